"""A real proxy that stops, or is killed, while the event file cannot be written, and a real exporter."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coderouter_proxy.server.lifecycle import HEARTBEAT_S
from support.exporter.process import running_exporter
from support.processes import eventually
from support.proxy.process import Proxy, config, serving

ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}
REQUESTS = 20


def chat(proxy: Proxy) -> None:
    for _ in range(REQUESTS):
        assert proxy.chat().rest().status == 200


@contextmanager
def unwritable(events: Path) -> Iterator[None]:
    aside = events.rename(events.with_name("aside"))
    events.mkdir()
    yield
    events.rmdir()
    aside.rename(events)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_waits_in_memory_at_a_stop_is_counted_after_the_next_start(tmp_path: Path, workers: int) -> None:
    events = tmp_path / "events.jsonl"
    options = (tmp_path, config([ECHO]), "--workers", str(workers))
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        with serving(*options) as proxy:
            chat(proxy)
            with unwritable(events):
                chat(proxy)
                proxy.command.stop()
        with serving(*options):
            eventually(lambda: exporter.tries("echo") == 2 * REQUESTS)
            eventually(lambda: exporter.scrape()["cr_exporter_exact", ()] == 1)
            assert exporter.scrape()["cr_exporter_duplicates_suppressed_total", ()] == 0
            # Of these processes; those of the others are removed.
            eventually(lambda: len(list(tmp_path.glob("*.spill"))) == workers)


def test_what_waited_in_memory_at_a_kill_is_missing_after_the_next_start(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    options = (tmp_path, config([ECHO]))
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        with serving(*options) as proxy:
            chat(proxy)
            with unwritable(events):
                started = time.monotonic()
                chat(proxy)
                proxy.command.process.send_signal(signal.SIGKILL)
                proxy.command.process.wait(30)
                heartbeats = int((time.monotonic() - started) // HEARTBEAT_S) + 1
            # Nobody can know yet what is missing.
            eventually(lambda: exporter.scrape()["cr_exporter_exact", ()] == 1)
        with serving(*options):
            missing = eventually(lambda: exporter.scrape()["cr_exporter_events_missing", ()])
            # The last request may have been killed before its end was counted, though its client had it.
            assert 3 * REQUESTS - 1 <= missing <= 3 * REQUESTS + heartbeats
            assert exporter.tries("echo") == REQUESTS
