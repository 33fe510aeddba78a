"""Who may see what the exporter serves: TLS, passwords and headers, as the web configuration has them now."""

import asyncio
import base64
import hmac
import logging
import os
import secrets
import ssl
from asyncio import Transport
from collections.abc import Mapping
from pathlib import Path

import bcrypt
from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from coderouter_exporter.http import web_config
from coderouter_exporter.http.web_config import WebConfig, WebConfigErrors

log = logging.getLogger(__name__)


class WebConfigFile:
    """A web configuration that follows its files: they are looked at when a client connects, or asks."""

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            WebConfigErrors
        """
        self._path = path
        self._config = web_config.read(path)
        self._files = self._config.files
        self._seen = _signature(self._files)

    @property
    def current(self) -> WebConfig:
        """What the files say now, or what they said before they had faults."""
        seen = _signature(self._files)
        if seen != self._seen:
            try:
                self._take(web_config.read(self._path))
            except WebConfigErrors as faults:
                self._files = faults.files
                log.error("the web configuration of before stays in use:\n%s", faults)
            self._seen = _signature(self._files)
        return self._config

    def context(self) -> ssl.SSLContext:
        context = self.current.context
        assert context is not None
        return context

    def _take(self, config: WebConfig) -> None:
        if (config.tls is None) != (self._config.tls is None):
            turned = "off" if config.tls is None else "on"
            raise WebConfigErrors(
                [f"{self._path}: TLS is turned {turned}, which takes a restart"], config.files
            )
        self._config = config
        self._files = config.files
        log.info("read %s anew", self._path)


def _signature(files: tuple[Path, ...]) -> list[tuple[int, int, int] | None]:
    return [_stat(path) for path in files]


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class AuthMiddleware:
    """The ASGI app behind its passwords, all of its paths, with the headers that every answer gets."""

    def __init__(self, app: ASGIApp, web: WebConfigFile) -> None:
        self._app = app
        self._web = web
        self._passwords = Passwords()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        config = self._web.current

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(config.headers)
            await send(message)

        given = dict(scope["headers"]).get(b"authorization", b"")
        app = self._app
        if config.users and not await self._passwords.fit(given, config.users):
            challenge = {"WWW-Authenticate": 'Basic realm="cr-exporter"'}
            app = PlainTextResponse("Unauthorized\n", status_code=401, headers=challenge)
        await app(scope, receive, send_with_headers)


class Passwords:
    """Compares passwords with their hashes.

    A comparison takes as long as its hash was made to take, so one that fits is remembered, and only one is made at a
    time, in a thread. An unknown name takes as long as a known one.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._fitting: dict[str, bytes] = {}
        self._one_at_a_time = asyncio.Lock()

    async def fit(self, authorization: bytes, users: Mapping[str, bytes]) -> bool:
        """Return whether the header has the name and the password of one of the users."""
        name, password = _basic(authorization)
        if not name:
            return False
        hashed = users.get(name) or next(iter(users.values()))
        digest = hmac.digest(self._key, hashed + password, "sha256")
        if name in users and hmac.compare_digest(self._fitting.get(name, b""), digest):
            return True
        async with self._one_at_a_time:
            fits = await asyncio.to_thread(_fits, password, hashed) and name in users
        if fits:
            self._fitting[name] = digest
        return fits


def _basic(authorization: bytes) -> tuple[str, bytes]:
    """Return name and password of a header; no name when it has none."""
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return "", b""
    try:
        name, _, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return name.decode(), password
    except ValueError:
        return "", b""


def _fits(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password, hashed)
    except ValueError:
        return False  # longer than bcrypt takes


def protocol(web: WebConfigFile) -> type[HttpToolsProtocol]:
    """Return a protocol that leaves at once where a client's certificate has none of the allowed names."""

    class _Checked(HttpToolsProtocol):
        def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as uvicorn has it
            super().connection_made(transport)
            tls = web.current.tls
            if tls is not None and not tls.allows(transport.get_extra_info("peercert")):
                transport.abort()

    return _Checked
