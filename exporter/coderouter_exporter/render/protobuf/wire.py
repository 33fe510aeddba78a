"""Protocol buffers: fields as they are encoded. Each function returns a field, its key included."""

import struct

_VARINT, _FIXED_64, _LENGTH_DELIMITED = 0, 1, 2
_INT_64 = (1 << 64) - 1


def varint(number: int) -> bytes:
    """Return the number in base 128, the least significant digit first; a negative one as its 64-bit complement."""
    number &= _INT_64
    if number < 0x80:
        return _ONE_BYTE[number]
    digits = bytearray()
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)


def delimited(message: bytes) -> bytes:
    """Return the message after its length, as it is in a stream of messages."""
    return varint(len(message)) + message


def message(field: int, encoded: bytes) -> bytes:
    return _key(field, _LENGTH_DELIMITED) + delimited(encoded)


def text(field: int, value: str) -> bytes:
    return message(field, value.encode("utf-8", "replace"))


def double(field: int, value: float) -> bytes:
    return _key(field, _FIXED_64) + struct.pack("<d", value)


def integer(field: int, value: int) -> bytes:
    """Return a field of type int32, int64, uint32, uint64 or enum."""
    return _key(field, _VARINT) + varint(value)


def signed(field: int, value: int) -> bytes:
    """Return a field of type sint32 or sint64: zigzag makes small negative numbers short."""
    return _key(field, _VARINT) + varint(value << 1 ^ value >> 63)


def _key(field: int, wire_type: int) -> bytes:
    return varint(field << 3 | wire_type)


_ONE_BYTE = [bytes((number,)) for number in range(0x80)]
