"""Whatever a Modbus board answers, it is a reading or a HardwareError, and the wire takes no more than it must."""

from __future__ import annotations

import contextlib
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import HardwareError
from appliance.hw.modbus import MAKERS, MbapWire, modbus_language
from appliance.hw.wire import Wire
from hwsim.card.modbus import checksum
from tests.plugins.hand_clock import HandClock


class Port:
    """A port at which the board says `answer` to everything, once."""

    def __init__(self, answer: bytes) -> None:
        self.left, self.timeout, self.write_timeout = answer, 0.0, 0.0

    @property
    def in_waiting(self) -> int:
        return len(self.left)

    def read(self, size: int) -> bytes:
        data, self.left = self.left[:size], self.left[size:]
        return data

    def write(self, data: bytes) -> None: ...

    def flush(self) -> None: ...

    def reset_input_buffer(self) -> None: ...


noise = st.binary(max_size=300)
right_sum = st.builds(
    lambda function, rest: bytes((1, function)) + rest + checksum(bytes((1, function)) + rest),
    st.sampled_from([1, 3, 5, 6, 15, 0x81, 0x83, 0x85]),
    st.binary(max_size=260),
)
headed = st.builds(lambda body: b"\0\1\0\0" + len(body).to_bytes(2, "big") + body, st.binary(max_size=260))


@given(st.sampled_from(sorted(MAKERS)), st.one_of(noise, right_sum, headed), st.booleans())
def test_any_answer(driver: str, answer: bytes, mbap: bool) -> None:
    language = modbus_language(driver)
    port = Port(answer)
    wire = (MbapWire if mbap else Wire)(cast(Any, port), HandClock(), 10.0)
    assert language.ask is not None and language.together is not None
    with contextlib.suppress(HardwareError):
        assert language.ask(wire, (1, 2)).keys() >= {1, 2}
    with contextlib.suppress(HardwareError):
        language.together(wire, (1, 3), True)
    with contextlib.suppress(HardwareError):
        wire.ask(language.command(1, True))
        language.acknowledged(wire, 1, True)
    if language.guard is not None:
        with contextlib.suppress(HardwareError):
            language.guard(wire, 8)
