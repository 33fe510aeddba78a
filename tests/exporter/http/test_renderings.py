"""Readers of the exporter share what is rendered, whatever their number and however slowly they read."""

import asyncio
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
from starlette.types import Message, Scope

from coderouter_exporter.http.renderings import HELD_MAX, PIECE_BYTES, Rendering, Renderings
from support.exporter.process import Exporter, append, line, running_exporter, tried
from support.processes import eventually

PROVIDERS = 1000
READERS = 200
GROWTH_BYTES_MAX = 64 << 20


@contextmanager
def scraper(port: int) -> Iterator[socket.socket]:
    """Scrape, and read nothing of the answer."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", port))
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        yield sock


def is_answered(sock: socket.socket) -> bool:
    return bool(select.select([sock], [], [], 0)[0])


@pytest.mark.slow
def test_200_scrapers_that_read_nothing_take_no_memory_of_their_own(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    for number in range(PROVIDERS):
        append(events, line("provider-ok", provider=f"p{number}", duration_s=0.1), tried(f"p{number}"))
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter, ExitStack() as stack:
        size = len(exporter.get("/metrics")[1])
        before = rss_bytes(exporter)
        scrapers = [stack.enter_context(scraper(exporter.port)) for _ in range(READERS)]
        assert exporter.get("/-/healthy")[0].status == 200
        eventually(lambda: all(map(is_answered, scrapers)))
        assert exporter.get("/-/healthy")[0].status == 200
        assert len(exporter.get("/metrics")[1]) > 0.99 * size, "others get theirs"
        assert rss_bytes(exporter) - before < GROWTH_BYTES_MAX < READERS * size


def rss_bytes(exporter: Exporter) -> int:
    return int(psutil.Process(exporter.command.process.pid).memory_info().rss)


SCOPE: Scope = {"type": "http"}


async def receive() -> Message:
    return {"type": "http.disconnect"}


class Client:
    """An HTTP client as an ASGI app sees it; it reads `pieces` of each answer, by default all."""

    def __init__(self, pieces: float = float("inf")) -> None:
        self.body: list[bytes] = []
        self._pieces = pieces

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            if len(self.body) >= self._pieces:
                await asyncio.Event().wait()
            self.body.append(message["body"])


BODY = b"x" * (3 * PIECE_BYTES + 1)


async def renderings_of(started: list[str]) -> Renderings[str]:
    async def render(key: str) -> Rendering:
        started.append(key)
        await asyncio.sleep(0)
        return Rendering(BODY, {"content-type": "text/plain"})

    return Renderings(render)


def test_whoever_waits_for_the_same_rendering_shares_it() -> None:
    async def scrape() -> None:
        started: list[str] = []
        renderings = await renderings_of(started)
        first = await asyncio.gather(*(renderings.next("a") for _ in range(100)), renderings.next("b"))
        assert sorted(started) == ["a", "b"]
        assert len(set(map(id, first[:100]))) == 1

    asyncio.run(scrape())


def test_a_rendering_begins_after_it_was_asked_for() -> None:
    async def scrape() -> None:
        begun, go = asyncio.Event(), asyncio.Event()
        started: list[str] = []

        async def render(key: str) -> Rendering:
            started.append(key)
            begun.set()
            await go.wait()
            return Rendering(BODY, {})

        renderings = Renderings(render)
        early = asyncio.create_task(renderings.next("a"))
        await begun.wait()
        late = [asyncio.create_task(renderings.next("a")) for _ in range(10)]
        await asyncio.sleep(0)
        go.set()
        shared = {id(await each) for each in late}
        assert (len(started), len(shared)) == (2, 1)
        assert id(await early) not in shared

    asyncio.run(scrape())


def test_a_client_that_leaves_takes_the_rendering_from_no_other() -> None:
    async def scrape() -> None:
        renderings = await renderings_of([])
        leaving, staying = (asyncio.create_task(renderings.next("a")) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying is not None

    asyncio.run(scrape())


def test_an_error_while_rendering_is_that_of_everyone_who_waits_and_of_nobody_else() -> None:
    async def scrape() -> None:
        errors = [ValueError("no")]

        async def render(_: str) -> Rendering:
            if errors:
                raise errors.pop()
            return Rendering(BODY, {})

        renderings = Renderings(render)
        failed = await asyncio.gather(*(renderings.next("a") for _ in range(3)), return_exceptions=True)
        assert all(isinstance(each, ValueError) for each in failed)
        assert await renderings.next("a") is not None

    asyncio.run(scrape())


def test_readers_that_stop_reading_hold_a_few_renderings_and_the_others_get_all_of_theirs() -> None:
    async def scrape() -> None:
        renderings = await renderings_of([])

        async def get(client: Client) -> None:
            rendering = await renderings.next("a")
            assert rendering is not None
            await renderings.response(rendering)(SCOPE, receive, client.send)

        stuck = []
        for _ in range(3 * HELD_MAX):
            stuck.append(asyncio.create_task(get(Client(pieces=1))))
            reading = Client()
            await get(reading)
            assert b"".join(reading.body) == BODY
            await asyncio.sleep(0)
            assert sum(not task.done() for task in stuck) <= HELD_MAX
        held = [task for task in stuck if not task.done()]
        assert held == stuck[-len(held) :], "the newest"
        for task in held:
            task.cancel()
        assert all(
            isinstance(end, asyncio.CancelledError)
            for end in await asyncio.gather(*held, return_exceptions=True)
        )

    asyncio.run(scrape())
