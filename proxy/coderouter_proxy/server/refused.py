"""The body of refusals, for clients whose wire is not known yet: the SDKs of OpenAI and of Anthropic both read it."""

import orjson

from coderouter_http.protocol.refusals import Refusal


def error_body(refusal: Refusal) -> tuple[bytes, bytes]:
    """Return content type and body."""
    kind = "invalid_request_error" if refusal.status < 500 else "overloaded_error"
    error = {"message": refusal.message, "type": kind, "param": None, "code": f"refused_{refusal.reason}"}
    return b"application/json", orjson.dumps({"type": "error", "error": error})
