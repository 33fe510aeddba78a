"""Fields of state as a payload, and the digest of a text."""

import hashlib
from typing import Final

from coderouter_proxy.request import Body
from coderouter_proxy.wires import payload

BYTES_MAX: Final = 16 * 1024
"""Of the fields as JSON, before they are compressed; with more, some are left out."""

_CHARS_MAX = 4 * BYTES_MAX
_DIGEST_BYTES = 8
# What nearly every payload repeats.
_DICTIONARY = (
    b'"reasoning_details":[{"type":"reasoning.summary","summary":"{"type":"reasoning.text","text":"'
    b'"signature":"","id":"{"type":"reasoning.encrypted","data":"","format":"google-gemini-v1","index":0}'
    b'"i":"functions.","t":{"thinking":[{"type":"thinking","thinking":"","signature":"'
    b'"t":{"reasoning":"","t":{"reasoning_content":"'
    b'","c":{"extra_content":{"google":{"thought_signature":""}}}}{"o":"'
)


def encoded(fields: Body) -> str | None:
    """Return the payload; None if it is too long or is not JSON that can be written."""
    return payload.encoded(fields, BYTES_MAX, _DICTIONARY)


def decoded(given: str) -> Body | None:
    """Return the fields; None if the payload is damaged or too long."""
    return payload.decoded(given, BYTES_MAX, _DICTIONARY) if len(given) <= _CHARS_MAX else None


def digest(text: str) -> str:
    return hashlib.blake2s(
        text.strip().encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES
    ).hexdigest()
