"""A busy provider is waited for: never more requests than it takes at once, first in, first out, for all workers."""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import pytest

from support.events import names, read
from support.processes import eventually
from support.proxy import openai_answers as says
from support.proxy import slow_server
from support.proxy.process import HELLO, Proxy, config, provider, serving, workers_of, write_config
from support.proxy.slow_server import HOLD, SlowServer
from support.proxy.upstream import HANG, Provider, stream

CLIENTS = 64
REQUESTS_EACH = 20


async def busy_clients(url: str, slow: SlowServer) -> list[int]:
    """Have the clients send one request after another until all together sent enough; return the statuses.

    What counts begins once each of them is connected and has had an answer.
    """
    statuses: list[int] = []
    all_connected = asyncio.Barrier(CLIENTS)
    left = iter(range(CLIENTS * REQUESTS_EACH))

    async def request(session: aiohttp.ClientSession, user: str) -> int:
        body = {"model": "any", "messages": HELLO, "user": user}
        async with session.post(f"{url}/chat/completions", json=body) as response:
            await response.read()
            return response.status

    async def client(session: aiohttp.ClientSession, user: str) -> None:
        await request(session, user)
        slow.served.clear()
        await all_connected.wait()
        statuses.extend([await request(session, user) for _ in left])

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(client(session, str(number)) for number in range(CLIENTS)))
    return statuses


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "two workers"])
def test_no_more_requests_than_allowed_are_in_flight_and_each_client_gets_its_turn(
    options: Sequence[str], tmp_path: Path
) -> None:
    with slow_server.serving(work_s=0.002) as slow:
        text = config([provider("slow", slow.base_url, max_in_flight=2)])
        with serving(tmp_path, text, *options) as served:
            statuses = asyncio.run(busy_clients(served.url, slow))
            assert served.command.stop() == 0
    assert statuses == [200] * (CLIENTS * REQUESTS_EACH)
    assert slow.in_progress_max == 2
    assert len(slow.served) == CLIENTS
    assert max(slow.served.values()) <= 1.1 * REQUESTS_EACH
    assert min(slow.served.values()) >= 0.9 * REQUESTS_EACH
    finished = read(served.events_path, "request-finished")
    assert {event["outcome"] for event in finished} == {"ok"}
    queued = {event["request_id"]: event for event in read(served.events_path, "provider-queued")}
    assert {event["result"] for event in queued.values()} == {"place"}
    for event in finished:
        if event["request_id"] in queued:
            assert event["waited_s"] == queued[event["request_id"]]["waited_s"] > 0
        assert event["overhead_s"] <= event["duration_s"] - event["waited_s"] + 1e-6


def limited(a: Provider, *others: Provider, **more: object) -> dict[str, object]:
    first = provider("a", a.base_url, max_in_flight=1, **more)
    return config([first, *(provider(f"other{number}", each.base_url) for number, each in enumerate(others))])


def test_clients_that_leave_free_their_place_at_once(tmp_path: Path, a: Provider) -> None:
    a.plays(stream(says.text("Hello"), HANG), says.answer("third"))
    with serving(tmp_path, limited(a)) as served:
        first = served.chat(stream=True)
        first.read_until(says.text("Hello"))
        second = served.chat()
        second.disconnect()
        [left] = eventually(lambda: read(served.events_path, "provider-queued"))
        third = served.chat()
        first.disconnect()
        assert b"third" in third.rest().body
        assert (left["provider"], left["result"]) == ("a", "left")
        assert names(served.story(left["request_id"])) == ["provider-queued", "request-finished"]
        assert served.finished(left["request_id"])["outcome"] == "client_gone"
    assert len(a.requests) == 2


@pytest.mark.parametrize("queue_s", [0, 0.05])
def test_the_next_provider_is_tried_once_the_time_in_line_is_up(
    queue_s: float, tmp_path: Path, a: Provider, b: Provider
) -> None:
    a.plays(stream(says.text("Hello"), HANG))
    b.plays(says.answer())
    with serving(tmp_path, limited(a, b, queue_s=queue_s)) as served:
        first = served.chat(stream=True)
        first.read_until(says.text("Hello"))
        response = served.chat().rest()
        queued, *_, finished = story = served.story(response.request_id)
        first.disconnect()
    assert names(story) == ["provider-queued", "try-provider", "provider-ok", "request-finished"]
    assert (queued["provider"], queued["result"]) == ("a", "timeout")
    assert (finished["provider"], finished["attempts"]) == ("other0", 1)
    assert finished["waited_s"] == queued["waited_s"] >= queue_s / 2


def test_a_client_hears_that_all_are_busy(tmp_path: Path, a: Provider) -> None:
    a.plays(stream(says.text("Hello"), HANG))
    with serving(tmp_path, limited(a, queue_s=0)) as served:
        first = served.chat(stream=True)
        first.read_until(says.text("Hello"))
        response = served.chat().rest()
        first.disconnect()
    assert response.status == 503
    assert "busy with 1 other requests for more than 0 s" in response.json["error"]["message"]


def test_failed_answers_and_broken_streams_free_their_place(tmp_path: Path, a: Provider) -> None:
    a.plays(says.error("no", 500), says.streamed("half", b"data: broken\n\n"), says.answer())
    with serving(tmp_path, limited(a, queue_s=0)) as served:
        assert served.chat().rest().status == 502
        assert b"half" in served.chat(stream=True).rest().body
        assert served.chat().rest().status == 200


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("more", [{"max_in_flight": 2}, {}], ids=["larger", "none"])
def test_a_reload_with_a_larger_limit_or_none_lets_those_in_line_go_on(
    workers: int, more: dict[str, object], tmp_path: Path, a: Provider
) -> None:
    a.plays(stream(says.text("Hello"), HANG), says.answer())
    with serving(tmp_path, limited(a), "--workers", str(workers)) as served:
        eventually(lambda: len(read(served.events_path, "coderouter-startup")) == workers)
        first = served.chat(stream=True)
        first.read_until(says.text("Hello"))
        second = served.chat()
        write_config(tmp_path, config([provider("a", a.base_url, **more)]))
        served.command.signal(signal.SIGHUP)
        assert second.rest().status == 200
        first.disconnect()


def worker_connected_to(served: Proxy, port: int) -> int:
    """Return the process id of the worker with a connection to this port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(f":{port:04X}") and row[3] == "01"}
    [pid] = [pid for pid in workers_of(served) if sockets & open_files(pid)]
    return pid


def open_files(pid: int) -> set[str]:
    return {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}


def test_a_killed_worker_frees_its_places(tmp_path: Path) -> None:
    with slow_server.serving() as slow:
        text = config([provider("slow", slow.base_url, max_in_flight=1)])
        with serving(tmp_path, text, "--workers", "2") as served:
            eventually(lambda: len(read(served.events_path, "coderouter-startup")) == 2)
            held = served.chat(user=HOLD)
            slow.wait_for(in_progress=1)
            os.kill(worker_connected_to(served, slow.port), signal.SIGKILL)
            assert served.chat().rest().status == 200
            held.disconnect()
            assert served.command.stop() == 0
    assert slow.in_progress_max == 1
