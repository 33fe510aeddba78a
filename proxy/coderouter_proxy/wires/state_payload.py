"""Fields of state as letters, digits, `_` and `-`, as short as they get, and back."""

import base64
import binascii
import hashlib
import zlib
from typing import Final

import orjson

from coderouter_proxy.request import Body

BYTES_MAX: Final = 16 * 1024
"""Of the fields as JSON, before they are compressed."""

_CHARS_MAX = 4 * BYTES_MAX
_DIGEST_BYTES = 8
# What nearly every payload repeats. A payload can only be read with the dictionary that it was written with.
_DICTIONARY = (
    b'"reasoning_details":[{"type":"reasoning.summary","summary":"{"type":"reasoning.text","text":"'
    b'"signature":"","id":"{"type":"reasoning.encrypted","data":"","format":"google-gemini-v1","index":0}'
    b'"i":"functions.","t":{"thinking":[{"type":"thinking","thinking":"","signature":"'
    b'"t":{"reasoning":"","t":{"reasoning_content":"'
    b'","c":{"extra_content":{"google":{"thought_signature":""}}}}{"o":"'
)


def encoded(fields: Body) -> str | None:
    """Return the payload; None if it is too long or is not JSON that can be written."""
    try:
        data = orjson.dumps(fields)
    except orjson.JSONEncodeError:
        return None
    if len(data) > BYTES_MAX:
        return None
    deflating = zlib.compressobj(zlib.Z_BEST_COMPRESSION, zdict=_DICTIONARY)
    return base64.urlsafe_b64encode(deflating.compress(data) + deflating.flush()).rstrip(b"=").decode()


def decoded(payload: str) -> Body | None:
    """Return the fields; None if the payload is damaged, which its checksum shows."""
    if len(payload) > _CHARS_MAX:
        return None
    inflating = zlib.decompressobj(zdict=_DICTIONARY)
    try:
        data = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        fields = orjson.loads(inflating.decompress(data, BYTES_MAX))
    except (ValueError, binascii.Error, zlib.error):
        return None
    return fields if inflating.eof and isinstance(fields, dict) else None


def digest(text: str) -> str:
    return hashlib.blake2s(
        text.strip().encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES
    ).hexdigest()
