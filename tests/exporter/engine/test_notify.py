"""What the exporter reports to systemd: ready once it serves, alive while its engine takes steps."""

import sys
import time
from pathlib import Path

from support.disk import small_disk
from support.exporter.process import Exporter, append, running_exporter, tried
from support.processes import clean_environment, eventually, running
from support.systemd.notify import NotifySocket, notify_socket

WATCHDOG_S = 2.0  # the engine polls at least twice as often
TESTS = Path(__file__).parents[2]


def test_it_is_ready_once_it_serves_and_reports_that_it_has_caught_up(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with (
        notify_socket(tmp_path) as heard,
        running_exporter(path, state=tmp_path / "db", **heard.env) as exporter,
    ):
        assert heard.wait_for("READY") == {"READY": "1"}
        heard.wait_for("STATUS", f"caught up; missing or unreadable: {path}".__eq__)
        append(path, tried())
        heard.wait_for("STATUS", "caught up with the event files".__eq__)
        assert exporter.command.stop() == 0
        assert heard.messages()[-1]["STOPPING"] == "1"
        assert heard.messages("WATCHDOG") == []


def test_a_hanging_engine_stops_the_watchdog_pings_but_not_the_scrapes(tmp_path: Path) -> None:
    path, hang = tmp_path / "events.jsonl", tmp_path / "hang"
    append(path, tried())
    hang.touch()
    program = (sys.executable, "-m", "support.exporter.hung_exporter", path, tmp_path / "db")
    with notify_socket(watchdog_s=WATCHDOG_S) as heard:
        env = clean_environment(PYTHONPATH=str(TESTS), **heard.env)
        with running(*program, env=env, cwd=tmp_path) as command:
            exporter = Exporter(command)
            heard.wait_for("READY")
            heard.wait_for("STATUS", lambda status: status.startswith("serving while catching up: "))
            eventually(lambda: _is_silent(heard))
            assert exporter.get("/-/healthy")[0].status == 200
            assert not exporter.is_ready()

            hang.unlink()
            heard.forget()
            heard.wait_for("WATCHDOG")
            heard.wait_for("STATUS", "caught up with the event files".__eq__)
            assert exporter.tries() == 1
            assert command.stop() == 0


def test_a_state_file_that_cannot_be_written_is_reported_and_does_not_stop_the_pings(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with (
        small_disk(tmp_path / "disk", kilobytes=256) as disk,
        notify_socket(watchdog_s=WATCHDOG_S) as heard,
        running_exporter(path, state=disk.folder / "db", **heard.env),
    ):
        heard.wait_for("WATCHDOG")
        disk.fill()
        append(path, tried())
        heard.wait_for("STATUS", lambda status: status.startswith("the state file cannot be written"))
        heard.forget()
        eventually(lambda: len(heard.messages("WATCHDOG")) >= 3)
        disk.free()
        heard.wait_for("STATUS", "caught up with the event files".__eq__)


def _is_silent(heard: NotifySocket) -> bool:
    """Return whether no ping comes for as long as systemd waits."""
    heard.forget()
    time.sleep(WATCHDOG_S)
    return heard.messages("WATCHDOG") == []
