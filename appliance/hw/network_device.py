"""Questions by HTTP and UDP to a device on the network, each within a deadline and with an answer of bounded size."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from http import HTTPStatus

from appliance.host.clock import Clock
from appliance.hw.relay import CardGarbled, CardRefused, CardSilent
from appliance.hw.tcp_port import NetworkPlace

_LONGEST_PAGE = 65536  # bytes; anything longer is no answer
_LONGEST_DATAGRAM = 2048


def get(place: NetworkPlace, path: str, headers: Mapping[str, str], seconds: float) -> bytes:
    """Return the page at `path`, whose every part must come within `seconds`.

    Raises CardSilent, CardGarbled when it is too long, and CardRefused when the device answers with an error.
    """
    if seconds <= 0:  # the caller has given up
        raise CardSilent(f"The device at {place} was not asked: no time was left for it.", todo="Try again.")
    connection = http.client.HTTPConnection(place.host, place.port, timeout=seconds)
    try:
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        page = answer.read(_LONGEST_PAGE + 1)
    except (OSError, http.client.HTTPException) as problem:
        raise CardSilent(
            f"The device at {place} does not answer: {problem or type(problem).__name__}.",
            todo="Check its power, its cable and RELAYDEVICE.",
        ) from problem
    finally:
        connection.close()
    if len(page) > _LONGEST_PAGE:
        raise CardGarbled(
            f"The device at {place} answered more than it can have to say.", todo="Check RELAYDEVICE."
        )
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise CardRefused(f"The device at {place} does not take the password.", todo="Check RELAYPASSWORD.")
    if answer.status // 100 != 2:
        raise CardRefused(f"The device at {place} refused: {answer.status}.", todo="Check RELAYDEVICE.")
    return page


def ask_by_datagram(place: NetworkPlace, question: bytes, begins: bytes, clock: Clock, until: float) -> bytes:
    """Send `question`, and return the first datagram of the device that begins with `begins`.

    It must come until `until` on the monotonic clock. Raises CardSilent.
    """
    silent = CardSilent(
        f"The device at {place} does not answer by UDP.",
        todo="Check its power, its cable, and that nothing between filters that port.",
    )
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.connect((place.host, place.port))  # the kernel drops what comes from elsewhere
            asking.send(question)
            while (left := until - clock.now()) > 0:
                asking.settimeout(left)
                heard = asking.recv(_LONGEST_DATAGRAM)
                if heard.startswith(begins):
                    return heard
    except OSError as problem:  # a timeout too
        raise silent from problem
    raise silent
