"""A proxy or exporter that is gone shows on the page within five seconds, and so does its return."""

import time
from contextlib import ExitStack
from pathlib import Path
from signal import SIGKILL, SIGSTOP

from dashboard.conftest import address, report
from support.browser.chromium import Watched
from support.exporter.process import Exporter, append, line, running_exporter
from support.exporter.sample_events import startup, utc
from support.processes import eventually, free_port
from support.proxy.process import config, serving

ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}
DIMMED = "getComputedStyle(document.querySelector('{} .word')).color"


def test_a_killed_proxy_shows_and_so_do_the_next_one_and_its_shutdown(
    tmp_path: Path, exporter: Exporter, page: Watched, stack: ExitStack
) -> None:
    proxy = stack.enter_context(serving(tmp_path, config([ECHO])))
    proxy.chat().rest()
    page.open(address(exporter))
    page.wait_for_text("#proxy .word", "Running")
    assert page.text("#alarm") == ""

    proxy.command.stop(SIGKILL)
    page.wait_for_text("#alarm", "The proxy is gone")
    assert page.text("#alarm code") == "coderouter serve"
    assert page.text("#proxy .word") == "Gone"
    assert page.text("#connection") == "Proxy gone", "nothing is live without it"
    assert page.text("#as-of").startswith("as of ")
    assert page.evaluate(DIMMED.format("#providers .state")) != page.evaluate(DIMMED.format("#proxy .state"))
    assert page.text("#announcer") == "Proxy: Gone."

    proxy = stack.enter_context(serving(tmp_path, config([ECHO])))
    page.wait_for_text("#proxy .word", "Running")
    assert page.text("#alarm") == ""

    assert proxy.command.stop() == 0
    page.wait_for_text("#proxy .word", "Stopped")
    assert page.text("#connection") == "Proxy stopped"
    assert page.text("#alarm") == "", "it shut down cleanly"


def test_a_killed_exporter_shows_and_so_does_the_next_one(tmp_path: Path, page: Watched) -> None:
    listen = f"127.0.0.1:{free_port()}"
    events, state = tmp_path / "events.jsonl", tmp_path / "exporter.db"
    with running_exporter(events, state=state, listen=listen) as exporter:
        page.open(address(exporter))
        assert page.text("#connection") == "No proxy yet"
        append(
            events,
            startup(time.time(), "w"),
            line("proxy-heartbeat", ts=utc(time.time()), writer="w", seq=2, in_flight=0),
        )
        page.wait_for_text("#connection", "Live")
        in_text = page.evaluate("getComputedStyle(document.querySelector('main')).color")
        exporter.command.stop(SIGKILL)
        page.wait_for_text("#alarm", "No report from the exporter: cannot connect")
        assert page.text("#alarm code") == "cr-exporter"
        assert page.text("#connection") == "No connection"
        assert page.text("#as-of").startswith("as of ")
        for card in ("#proxy", "#counting"):
            assert page.text(f"{card} .word") == "Unknown", "only the exporter knows"
        assert page.text("#counting .more").startswith("exact at ")
        assert page.evaluate("getComputedStyle(document.querySelector('main')).color") != in_text
    with running_exporter(events, state=state, listen=listen):
        page.wait_for_text("#connection", "Live")
        page.wait_for_text("#counting .word", "Exact")
        assert page.text("#alarm") == ""


def test_an_exporter_that_hangs_shows(exporter: Exporter, page: Watched) -> None:
    page.open(address(exporter))
    exporter.command.signal(SIGSTOP)
    try:
        page.wait_for_text("#alarm", "No report from the exporter: no response within")
    finally:
        exporter.command.process.kill()


def test_a_lock_that_the_exporter_cannot_see_is_not_trusted(tmp_path: Path, exporter: Exporter) -> None:
    with serving(tmp_path, config([ECHO])) as proxy:
        lock = tmp_path / "events.jsonl.alive"
        eventually(lock.exists)
        lock.unlink()
        lock.touch()  # as on a file system that does not share locks: it is there and looks free
        assert report(exporter)["proxy"]["state"] == "gone"
        proxy.chat().rest()
        assert report(exporter)["proxy"]["state"] == "running"
        lock.unlink()
        assert report(exporter)["proxy"]["state"] == "running"
