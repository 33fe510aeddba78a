"""Access to what the exporter serves: TLS, passwords and headers of the web configuration, and the Host check."""

import asyncio
import base64
import hmac
import logging
import os
import secrets
import ssl
from asyncio import Transport
from collections.abc import Iterable, Mapping
from pathlib import Path

import bcrypt
from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coderouter_exporter.http import web_config
from coderouter_exporter.http.web_config import WebConfig, WebConfigErrors
from coderouter_http.hosts import LOOPBACK_NAMES, hostname, is_loopback
from coderouter_http.protocol.bounded import HttpProtocol

HOST_CHARS_MAX = 100

log = logging.getLogger(__name__)


class WebConfigFile:
    """A web configuration that is read again when one of its files has changed."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            WebConfigErrors: it cannot be used.
        """
        self._path = path
        self._config = web_config.read(path)
        self._files = self._config.files
        self._stats = _stats(self._files)

    @property
    def current(self) -> WebConfig:
        """The configuration in the files, or the previous one while they have errors.

        The files are checked for changes on each access: for every connection and every request.
        """
        if _stats(self._files) != self._stats:
            try:
                self._replace(web_config.read(self._path))
            except WebConfigErrors as errors:
                self._files = errors.files
                log.error("keeping the previous web configuration:\n%s", errors)
            self._stats = _stats(self._files)
        return self._config

    def context(self) -> ssl.SSLContext:
        context = self.current.context
        assert context is not None
        return context

    def _replace(self, config: WebConfig) -> None:
        if (config.tls is None) != (self._config.tls is None):
            turned = "off" if config.tls is None else "on"
            raise WebConfigErrors([f"{self._path}: turning TLS {turned} requires a restart"], config.files)
        self._config = config
        self._files = config.files
        log.info("reloaded %s", self._path)


def _stats(files: tuple[Path, ...]) -> list[tuple[int, int, int] | None]:
    return [_stat(path) for path in files]


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class HostMiddleware:
    """Refuses requests that do not call this machine by a name it may have, if the server listens on loopback only.

    A web page may point its own name at 127.0.0.1 and read the answers; its browser sends that name.
    """

    def __init__(self, app: ASGIApp, listen_host: str, allowed_hosts: Iterable[str]) -> None:
        self._app = app
        known = LOOPBACK_NAMES | {listen_host.lower(), *(name.lower() for name in allowed_hosts)}
        self._hosts = known if is_loopback(listen_host) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and self._hosts is not None:
            given = [value for name, value in scope["headers"] if name == b"host"]
            if len(given) != 1 or hostname(given[0]) not in self._hosts:
                host = b", ".join(given).decode("latin-1")[:HOST_CHARS_MAX]
                app = PlainTextResponse(
                    f"Host {host!r} is not allowed; use http://127.0.0.1, or name it with --web.allowed-hosts\n",
                    status_code=403,
                )
        await app(scope, receive, send)


class AuthMiddleware:
    """Requires a password for every path of the app and adds the configured headers to every response."""

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
        if config.users and not await self._passwords.verify(given, config.users):
            challenge = {"WWW-Authenticate": 'Basic realm="cr-exporter"'}
            app = PlainTextResponse("Unauthorized\n", status_code=401, headers=challenge)
        await app(scope, receive, send_with_headers)


class Passwords:
    """Checks passwords against their bcrypt hashes.

    bcrypt is slow on purpose: a correct password is cached until its hash changes, and one check runs at a time, in a
    thread. An unknown name takes as long as a known one.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._verified: dict[str, bytes] = {}
        self._one_at_a_time = asyncio.Lock()

    async def verify(self, authorization: bytes, users: Mapping[str, bytes]) -> bool:
        """Return whether the `Authorization` header names a user and has that user's password."""
        name, password = basic(authorization)
        if not name:
            return False
        hashed = users.get(name) or next(iter(users.values()))
        digest = hmac.digest(self._key, hashed + password, "sha256")
        if name in users and hmac.compare_digest(self._verified.get(name, b""), digest):
            return True
        async with self._one_at_a_time:
            correct = await asyncio.to_thread(_matches, password, hashed) and name in users
        if correct:
            self._verified[name] = digest
        return correct


def basic(authorization: bytes) -> tuple[str, bytes]:
    """Return name and password of the header; an empty name when it holds none."""
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return "", b""
    try:
        name, _, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return name.decode(), password
    except ValueError:
        return "", b""


def _matches(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password, hashed)
    except ValueError:
        return False  # longer than bcrypt accepts, or with a NUL byte


def protocol(web: WebConfigFile, base: type[HttpProtocol]) -> type[HttpProtocol]:
    """Return a protocol that closes the connection when no name in the client's certificate is allowed."""

    class _Checked(base):  # type: ignore[misc, valid-type] # a class made at run time
        __slots__ = ()

        def connection_made(self, transport: Transport) -> None:
            super().connection_made(transport)
            tls = web.current.tls
            if tls is not None and not tls.allows(transport.get_extra_info("peercert")):
                transport.abort()

    return _Checked
