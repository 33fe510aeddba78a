"""A provider for tests: a real HTTP server that answers by script, with any defect on demand.

One server plays any number of providers, each under its own path:

    with serving() as upstream:
        local = upstream.provider("local")  # its base_url goes into providers.yaml
        local.plays(whole(b"{}", status=500), stream(b"data: ...", CUT))

A script lists step by step what is written to the connection; the server knows nothing of the APIs spoken.
"""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, final

from support.proxy import server_thread

HEAD_BYTES_MAX = 1024 * 1024
CONTEXT_PATHS = ("/props", "/v1/models", "/api/show", "/api/ps")
"""What a proxy asks a server about its context, in the background; only those requests accept JSON and nothing else."""
WAIT_S = 30


@final
class _Cut:
    """Abort the connection here."""


@final
class _Hang:
    """Send nothing more until the other side gives up."""


@dataclass(frozen=True)
class Drip:
    """Send this again and again, slowly, until the other side gives up."""

    data: bytes
    every_s: float = 0.02


CUT: Final = _Cut()
HANG: Final = _Hang()


class Pause:
    """Wait here until the test calls `go`; `reached` is set when the script gets here."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._go = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def go(self) -> None:
        assert self.reached.wait(WAIT_S), "the script did not reach this pause"
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._go.set)

    async def hold(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.reached.set()
        await self._go.wait()


Step = bytes | Pause | Drip | _Cut | _Hang
Script = tuple[Step, ...]
Answers = Callable[["Received"], Script]


def head(status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase if status in set(HTTPStatus) else 'Odd'}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def whole(
    body: bytes | object, status: int = 200, headers: Mapping[str, str] | None = None, *before: Step
) -> Script:
    """Answer with a body of known length; anything but bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    usual = {"Content-Type": "application/json", "Content-Length": str(len(data))}
    return (*before, head(status, {**usual, **(headers or {})}), data)


def stream(*steps: Step, status: int = 200, headers: Mapping[str, str] | None = None) -> Script:
    """Answer with a chunked body, one chunk per bytes step; it ends properly unless a step aborts it."""
    usual = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
    chunks = [b"%x\r\n%b\r\n" % (len(step), step) if isinstance(step, bytes) else step for step in steps]
    return (head(status, {**usual, **(headers or {})}), *chunks, b"0\r\n\r\n")


@dataclass(kw_only=True)
class Received:
    """One request as it arrived. `gone` is set when the caller closes the connection before the script ends."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int = 0
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def is_about_context(request: Received) -> bool:
    return request.path.endswith(CONTEXT_PATHS) and request.headers.get("accept") == "application/json"


class Provider:
    """One provider of the server: its scripts, one per request, and the requests it received.

    Questions about its context are not among those. `reports` has the answers, by the end of the path; it knows no
    other.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.requests: list[Received] = []
        self.reports: dict[str, Script] = {}
        self.context_reads = 0
        self._scripts: deque[Script] = deque()
        self._always: Script | Answers = (CUT,)
        self._changed = threading.Condition()

    def plays(self, *scripts: Script, always: Script | Answers = (CUT,)) -> None:
        """Set the scripts that answer the next requests, and what answers `always` after those: by default, CUT.

        `always` may be a function of the request.
        """
        with self._changed:
            self.requests = []
        self._scripts = deque(scripts)
        self._always = always

    def wait_for_reads(self, count: int) -> None:
        """Wait until the proxy has asked so many questions about the context since the start of the server."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.context_reads >= count, WAIT_S), "nothing was asked"

    @property
    def request(self) -> Received:
        """The latest request; waits for one if there is none yet."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.requests, WAIT_S), "no request arrived"
            return self.requests[-1]

    def next_script(self, request: Received) -> Script:
        if is_about_context(request):
            with self._changed:
                self.context_reads += 1
                self._changed.notify_all()
            found = (script for path, script in self.reports.items() if request.path.endswith(path))
            return next(found, whole({"error": "not found"}, status=404))
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        if self._scripts:
            return self._scripts.popleft()
        return self._always(request) if callable(self._always) else self._always


class Upstream:
    """The server; start it with `serving`. `connections` counts those with requests of clients."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0
        self._providers: dict[str, Provider] = {}

    def provider(self, name: str) -> Provider:
        """Return the provider of that name, which is created at the first call."""
        base_url = f"http://127.0.0.1:{self.port}/{name}/v1"
        return self._providers.setdefault(name, Provider(base_url))

    def forget(self) -> None:
        """Drop all remaining scripts, reports and recorded requests."""
        for provider in self._providers.values():
            provider.plays()
            provider.reports = {}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        try:
            request = await _request(reader, await reader.readuntil(b"\r\n\r\n"))
            while True:
                if not number and not is_about_context(request):
                    self.connections += 1
                    number = self.connections
                request.connection = number
                following = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
                script = self.provider(request.path.partition("/")[2].partition("/")[0]).next_script(request)
                if not await _played(script, writer, following):
                    request.gone.set()
                    return
                request = await _request(reader, await following)
        except (asyncio.IncompleteReadError, ConnectionError, _Broken, asyncio.CancelledError):
            return
        finally:
            writer.transport.abort()


class _Broken(Exception):
    """The script aborted the connection."""


async def _played(script: Script, writer: asyncio.StreamWriter, following: asyncio.Task[bytes]) -> bool:
    """Play the script; return False if the caller closed the connection before its end."""
    playing = asyncio.create_task(_play(script, writer))
    await asyncio.wait({playing, following}, return_when=asyncio.FIRST_COMPLETED)
    left = not playing.done() or isinstance(playing.exception(), ConnectionError)
    if left or playing.exception() is not None:
        for task in (playing, following):
            task.cancel()
            with suppress(asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError, _Broken):
                await task
    if not left:
        await playing
    return not left


async def _play(script: Script, writer: asyncio.StreamWriter) -> None:
    for step in script:
        match step:
            case bytes():
                writer.write(step)
                await writer.drain()
            case Pause():
                await step.hold()
            case Drip():
                while True:
                    writer.write(b"%x\r\n%b\r\n" % (len(step.data), step.data))
                    await writer.drain()
                    await asyncio.sleep(step.every_s)
            case _Hang():
                await asyncio.Event().wait()
            case _Cut():
                raise _Broken


async def _request(reader: asyncio.StreamReader, raw: bytes) -> Received:
    first, *lines = raw.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method=method, path=path, headers=headers, body=body)


@contextmanager
def serving() -> Iterator[Upstream]:
    """Run the server in its own thread, on a free port."""
    upstream = Upstream(0)
    with server_thread.serving(upstream.handle, HEAD_BYTES_MAX) as port:
        upstream.port = port
        yield upstream
