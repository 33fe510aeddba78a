"""Who may use the proxy: clients with a key, and no web page in a browser on this machine."""

import hashlib
import hmac
import os
import re
from collections.abc import Mapping

from coderouter_http.hosts import LOOPBACK_NAMES, hostname, is_loopback
from coderouter_proxy.config.schema import Server
from coderouter_proxy.errors import HttpError

JSON = b"application/json"
HOST_CHARS_MAX = 100


class Access:
    """Decides on each request by its headers.

    A browser lets any page send a plain-text POST anywhere, and lets a page read the answer if its owner points its
    name at 127.0.0.1. So bodies must be declared as JSON, which requires a preflight that is never answered, and on a
    loopback address the Host must be this machine.
    """

    def __init__(self, server: Server, host: str) -> None:
        self._digests = [_digest(key) for key in keys(server)]
        known = LOOPBACK_NAMES | {host.lower(), *(name.lower() for name in server.allowed_hosts)}
        self._hosts = known if is_loopback(host) else None

    def check(self, method: str, headers: Mapping[bytes, bytes]) -> None:
        """Raise an HttpError unless the request is allowed."""
        self.check_host(headers)
        if self._digests and not self._has_key(headers):
            raise HttpError(
                401, "no valid API key; send it as x-api-key or Authorization: Bearer", code="invalid_api_key"
            )
        if method == "POST":
            given = headers.get(b"content-type", b"")
            kind = given if given == JSON else given.split(b";", 1)[0].strip().lower()
            if kind != JSON:
                found = kind.decode("latin-1") or "none"
                raise HttpError(
                    415, f"Content-Type is {found}; send application/json", code="unsupported_media_type"
                )

    def check_host(self, headers: Mapping[bytes, bytes]) -> None:
        """Raise an HttpError unless the client calls this machine by a name that it may have."""
        if self._hosts is not None and hostname(headers.get(b"host", b"")) not in self._hosts:
            host = headers.get(b"host", b"").decode("latin-1")[:HOST_CHARS_MAX]
            raise HttpError(
                403,
                f"Host {host!r} is not allowed; use http://127.0.0.1, or name it in server.allowed_hosts",
                code="unknown_host",
            )

    def _has_key(self, headers: Mapping[bytes, bytes]) -> bool:
        """Return whether one of the two headers has an accepted key; Claude Code may send both, with different keys."""
        bearer = headers.get(b"authorization", b"")
        token = bearer[7:] if bearer[:7].lower() == b"bearer " else b""
        given = [_digest(key.strip()) for key in (headers.get(b"x-api-key", b""), token)]
        # Every key is compared, and all digests have the same length, so the time reveals nothing about the keys.
        matches = [hmac.compare_digest(digest, known) for digest in given for known in self._digests]
        return any(matches)


def keys(server: Server) -> list[bytes]:
    """Return the accepted keys: those in the variable that `api_keys_env` names, separated by commas or white space."""
    if server.api_keys_env is None:
        return []
    return [key.encode() for key in re.split(r"[\s,]+", os.environ.get(server.api_keys_env, "")) if key]


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
