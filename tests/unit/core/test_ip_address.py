"""Addresses of both families as text."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.ip_address import in_subnet, version_of, with_port, without_double_colon

ANY = st.ip_addresses().map(str)


@given(ANY, ANY, st.data())
def test_two_are_in_one_subnet_as_the_library_has_it(one: str, other: str, data: st.DataObject) -> None:
    prefix = data.draw(st.integers(0, 32 if version_of(other) == 4 else 128))
    network = ipaddress.ip_network(f"{other}/{prefix}", strict=False)
    assert in_subnet(one, other, prefix) is (ipaddress.ip_address(one) in network)
    assert in_subnet(other, other, prefix)


@given(st.ip_addresses(v=6))
def test_zeroes_written_out_are_the_same_address(address: ipaddress.IPv6Address) -> None:
    written = without_double_colon(str(address))
    assert "::" not in written and ipaddress.IPv6Address(written) == address


@pytest.mark.parametrize(
    ("ip", "whole"), [("10.0.0.5", "10.0.0.5:5060"), ("2001:db8::5", "[2001:db8::5]:5060")]
)
def test_with_a_port(ip: str, whole: str) -> None:
    assert with_port(ip, 5060) == whole
