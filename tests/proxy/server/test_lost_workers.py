"""A worker that is killed leaves nothing silently uncounted: the exporter is no longer exact."""

import os
import signal
import sys
from pathlib import Path

import pytest

from coderouter_exporter.fold.fold import fold
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.state.state import State
from support.events import read
from support.processes import eventually
from support.proxy import client
from support.proxy import openai_answers as says
from support.proxy.process import Proxy, config, provider, serving, workers_of
from support.proxy.upstream import HANG, Provider, stream

SHORT_SUPERVISOR = (sys.executable, "-m", "support.proxy.short_supervisor")
TESTS = str(Path(__file__).parents[2])


def counted(path: Path) -> State:
    data = path.read_bytes()
    state = State(created_ts=0.0)
    fold(state, Chunk(data, len(data)))
    return state


def begun(served: Proxy) -> client.Exchange:
    """Wait for both workers, and return a request that does not end."""
    eventually(lambda: len(read(served.events_path, "coderouter-startup")) == 2)
    exchange = served.chat(stream=True)
    exchange.read_until(says.text("Hello"))
    return exchange


def worker_of_request(served: Proxy) -> str:
    """Return the writer of the only request."""
    [event] = read(served.events_path, "try-provider")
    return str(event["writer"])


def is_sleeping(pid: int) -> bool:
    """Return whether the process waits for something to do."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def replaced(served: Proxy) -> bool:
    return len(read(served.events_path, "coderouter-startup")) == 3


@pytest.mark.slow
@pytest.mark.parametrize(("signum", "reason"), [(signal.SIGSTOP, "hung"), (signal.SIGKILL, "exited")])
def test_the_requests_of_a_killed_worker_are_missing(
    signum: signal.Signals, reason: str, tmp_path: Path, a: Provider
) -> None:
    a.plays(always=stream(says.text("Hello"), HANG))
    text = config([provider("a", a.base_url)])
    with serving(tmp_path, text, env={"PYTHONPATH": TESTS}, program=SHORT_SUPERVISOR) as served:
        exchange = begun(served)
        assert not any(counted(served.events_path).doubts.values())
        workers = workers_of(served)
        for pid in workers:
            os.kill(pid, signum)
        eventually(lambda: len(read(served.events_path, "worker-lost")) == 2, 60)
        eventually(lambda: len(read(served.events_path, "coderouter-startup")) == 4)
        exchange.disconnect()
        served.command.stop()
    lost = {event["writer"]: event for event in read(served.events_path, "worker-lost")}
    assert {event["pid"] for event in lost.values()} == set(workers)
    assert {event["reason"] for event in lost.values()} == {reason}
    writer = worker_of_request(served)
    assert {name: event["in_flight"] for name, event in lost.items()} == {
        name: int(name == writer) for name in lost
    }
    for name, event in lost.items():
        own = [each for each in read(served.events_path) if each["writer"] == name]
        assert own[-1] == event, "it is the last line of the worker"
        assert [each["seq"] for each in own[:-1]] == list(range(1, len(own)))
        assert event["seq"] == len(own) + event["in_flight"]
    state = counted(served.events_path)
    assert state.events_missing == 1
    assert any(state.doubts.values())


@pytest.mark.slow
def test_a_worker_that_is_killed_without_requests_leaves_nothing_missing(tmp_path: Path) -> None:
    echo: dict[str, object] = {"name": "echo", "kind": "echo"}
    with serving(tmp_path, config([echo]), "--workers", "2") as served:
        eventually(lambda: len(read(served.events_path, "coderouter-startup")) == 2)
        for _ in range(10):
            assert served.chat().rest().status == 200
        eventually(lambda: len(read(served.events_path, "request-finished")) == 10)
        worker = workers_of(served)[0]
        eventually(lambda: is_sleeping(worker))
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: replaced(served))
        for _ in range(10):
            assert served.chat().rest().status == 200
        assert served.command.stop() == 0
    [lost] = read(served.events_path, "worker-lost")
    assert lost["in_flight"] == 0
    assert not any(counted(served.events_path).doubts.values())


@pytest.mark.slow
def test_workers_that_stop_are_not_lost(tmp_path: Path) -> None:
    echo: dict[str, object] = {"name": "echo", "kind": "echo"}
    with serving(tmp_path, config([echo]), "--workers", "2") as served:
        eventually(lambda: len(read(served.events_path, "coderouter-startup")) == 2)
        assert served.command.stop() == 0
    assert read(served.events_path, "worker-lost") == []
