"""What the proxy reports to systemd: ready, reloading, alive, stopping; and none of it too early."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from support.events import read
from support.processes import eventually
from support.proxy import openai_answers as says
from support.proxy import process
from support.proxy.process import serving, workers_of, write_config
from support.proxy.upstream import Pause, Provider
from support.systemd.notify import NotifySocket, notify_socket

ECHO = process.config([{"name": "echo", "kind": "echo"}])
WATCHDOG_S = 1.0
SHORT_SUPERVISOR = (sys.executable, "-m", "support.proxy.short_supervisor")


def pings_stop(heard: NotifySocket) -> None:
    """Return once systemd's watchdog would have fired."""

    def silent() -> bool:
        heard.forget()
        time.sleep(WATCHDOG_S)
        return heard.messages("WATCHDOG") == []

    eventually(silent)


@pytest.mark.parametrize("workers", [1, 2])
def test_it_is_ready_when_every_process_answers(workers: int, tmp_path: Path) -> None:
    with (
        notify_socket(tmp_path) as heard,
        serving(tmp_path, ECHO, "--workers", str(workers), env=heard.env) as served,
    ):
        ready = heard.wait_for("READY")
        assert len(read(served.events_path, "coderouter-startup")) == workers
        assert ready["STATUS"] == f"serving on http://127.0.0.1:{served.port}"
        assert heard.messages() == [ready]
        assert served.command.stop() == 0
        *_, stopping = heard.messages()
        assert stopping["STOPPING"] == "1"
        assert "WATCHDOG" not in str(heard.messages())


@pytest.mark.parametrize("workers", ["1", "2"])
def test_stopping_is_reported_before_in_flight_requests_end(
    workers: str, tmp_path: Path, a: Provider
) -> None:
    pause = Pause()
    a.plays(says.streamed("Hello", pause, " there."))
    config = process.config([process.provider("a", a.base_url)])
    options = ("--workers", workers, "--grace-s", "600")
    with notify_socket() as heard, serving(tmp_path, config, *options, env=heard.env) as served:
        exchange = served.chat(stream=True)
        exchange.read_past(b"Hello")
        served.command.signal(signal.SIGTERM)
        stopping = heard.wait_for("STOPPING")
        assert stopping["STATUS"] == "stopping; waiting for in-flight requests, up to 600 s"
        assert int(stopping["EXTEND_TIMEOUT_USEC"]) > 600e6
        pause.go()
        assert exchange.rest().body.endswith(says.DONE)
        assert served.command.wait() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_reload_starts_and_ends_and_reports_its_result(workers: str, tmp_path: Path) -> None:
    with (
        notify_socket() as heard,
        serving(tmp_path, ECHO, "--workers", workers, env=heard.env) as served,
    ):
        heard.wait_for("READY")
        kept = "the configuration is invalid; keeping the previous one"
        for text, event, status in (
            (ECHO, "config-reloaded", "reloaded providers.yaml"),
            ("providers: []", "config-reload-failed", kept),
        ):
            heard.forget()
            write_config(tmp_path, text)
            before = time.monotonic_ns() // 1000
            served.command.signal(signal.SIGHUP)
            ready = heard.wait_for("READY")
            reloading, *between, last = heard.messages()
            assert reloading["RELOADING"] == "1"
            assert before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
            assert (between, last) == ([], ready)
            assert last["STATUS"] == status
            assert len(read(served.events_path, event)) == int(workers)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_watchdog_is_pinged_while_the_proxy_lives(workers: str, tmp_path: Path) -> None:
    with (
        notify_socket(watchdog_s=WATCHDOG_S) as heard,
        serving(tmp_path, ECHO, "--workers", workers, env=heard.env),
    ):
        heard.wait_for("READY")
        eventually(lambda: len(heard.messages("WATCHDOG")) >= 4)


def test_one_worker_that_hangs_stops_the_pings(tmp_path: Path) -> None:
    with (
        notify_socket(watchdog_s=WATCHDOG_S) as heard,
        serving(tmp_path, ECHO, "--workers", "2", env=heard.env) as served,
    ):
        heard.wait_for("READY")
        one, _ = workers_of(served)
        os.kill(one, signal.SIGSTOP)
        pings_stop(heard)
        os.kill(one, signal.SIGCONT)
        heard.forget()
        heard.wait_for("WATCHDOG")
        assert served.command.stop() == 0


def test_a_worker_that_hangs_too_long_is_replaced_and_so_is_one_that_dies(tmp_path: Path) -> None:
    tests = str(Path(__file__).parents[2])
    with notify_socket() as heard:
        env = {"PYTHONPATH": tests, **heard.env}
        with serving(tmp_path, ECHO, env=env, program=SHORT_SUPERVISOR) as served:
            heard.wait_for("READY")
            hung, killed = workers_of(served)
            for pid, signum in ((hung, signal.SIGSTOP), (killed, signal.SIGKILL)):
                heard.forget()
                os.kill(pid, signum)
                heard.wait_for("STATUS", "1 of 2 workers running; starting a replacement".__eq__, 60)
                heard.wait_for("READY")
                assert pid not in workers_of(served)
            served.command.wait_for_output(f"worker {hung} has been unresponsive for 10 s; killing it")
            assert served.command.stop() == 0
            assert len(read(served.events_path, "coderouter-startup")) == 4
