"""JSON objects as letters, digits, `_` and `-`, as short as they get, and back: what travels inside ids."""

import base64
import binascii
import zlib

import orjson

from coderouter_proxy.request import Body


def encoded(fields: Body, bytes_max: int, dictionary: bytes = b"") -> str | None:
    """Return the payload; None if the JSON has more bytes, or cannot be written.

    A payload can only be read with the dictionary that it was written with.
    """
    try:
        data = orjson.dumps(fields)
    except orjson.JSONEncodeError:
        return None
    if len(data) > bytes_max:
        return None
    deflating = zlib.compressobj(zlib.Z_BEST_COMPRESSION, zdict=dictionary)
    return base64.urlsafe_b64encode(deflating.compress(data) + deflating.flush()).rstrip(b"=").decode()


def decoded(payload: str, bytes_max: int, dictionary: bytes = b"") -> Body | None:
    """Return the fields; None if the payload is damaged, which its checksum shows, or the JSON has more bytes."""
    inflating = zlib.decompressobj(zdict=dictionary)
    try:
        data = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        fields = orjson.loads(inflating.decompress(data, bytes_max))
    except (ValueError, binascii.Error, zlib.error):
        return None
    return fields if inflating.eof and isinstance(fields, dict) else None
