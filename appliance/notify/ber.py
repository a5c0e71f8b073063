"""Subset of ASN.1's basic encoding rules (X.690) that an SNMP trap needs."""

from __future__ import annotations

INTEGER, OCTET_STRING, OBJECT_ID, SEQUENCE = 0x02, 0x04, 0x06, 0x30
TIME_TICKS, TRAP_V2 = 0x43, 0xA7  # RFC 3416


def tlv(tag: int, content: bytes) -> bytes:
    """Return tag, length and content as one element."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Return a whole number, in as few octets as hold it and its sign."""
    bits = (value if value >= 0 else ~value).bit_length()
    return tlv(tag, value.to_bytes(bits // 8 + 1, signed=True))


def octets(text: str) -> bytes:
    """Return a text as an octet string, in UTF-8."""
    return tlv(OCTET_STRING, text.encode())


def object_id(numbers: tuple[int, ...]) -> bytes:
    """Return an object identifier of two numbers or more."""
    first, second, *rest = numbers
    return tlv(OBJECT_ID, b"".join(map(_base128, (first * 40 + second, *rest))))


def sequence(*parts: bytes, tag: int = SEQUENCE) -> bytes:
    """Return the encoded `parts` as one sequence."""
    return tlv(tag, b"".join(parts))


def _base128(number: int) -> bytes:
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))
