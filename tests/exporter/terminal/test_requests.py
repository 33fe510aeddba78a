"""`coderouter requests`: what is listed, how, and that following neither repeats nor loses a request."""

import csv
import io
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from signal import SIGINT, SIGKILL
from threading import Thread
from typing import Any

import pytest

from coderouter_exporter.terminal.client import START
from coderouter_exporter.terminal.request_lines import lines_for
from support.exporter.process import Exporter, append, line, running_exporter
from support.exporter.request_lines import failed, request_id, story
from support.exporter.sample_events import startup, utc
from support.processes import clean_environment, eventually, free_port
from support.proxy.process import CODEROUTER
from support.run_command import coderouter
from support.terminal.tmux import terminal

pytestmark = pytest.mark.slow

NOW = time.time()


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    folder = tmp_path_factory.mktemp("requests")
    events = folder / "events.jsonl"
    append(events, startup(NOW - 700, "w"))
    for number in range(1, 31):
        append(events, *story(number, NOW - 600 + number, cost_usd=number / 100 if number % 2 else None))
    append(events, *failed(31, NOW - 500))
    with running_exporter(events, state=folder / "exporter.db") as exporter:
        yield exporter


def url(exporter: Exporter) -> str:
    return f"http://127.0.0.1:{exporter.port}"


def run(folder: Path, exporter: Exporter, *arguments: str, code: int = 0) -> str:
    ended = coderouter(folder, "requests", "--url", url(exporter), *arguments)
    assert ended.code == code, ended.stderr
    return ended.stdout if code == 0 else ended.stderr


def test_the_newest_are_last_and_the_rest_is_counted(exporter: Exporter, tmp_path: Path) -> None:
    header, *lines, rest, note = run(tmp_path, exporter, "--limit", "3").splitlines()
    assert header.split()[:4] == ["Time", "Request", "Outcome", "Provider"]
    assert [line.split()[1] for line in lines[:3]] == [request_id(number)[:12] for number in (29, 30, 31)]
    assert lines[0].rstrip().endswith("$0.2900")
    assert lines[1].rstrip().endswith("unknown")
    assert lines[2].rstrip().endswith("-")
    assert lines[3].strip() == "upstream_5xx: HTTP 500: Straße 31  [31mBROKEN"
    assert rest == "3 of 31 requests; --limit shows more"
    assert note.endswith(" shows also: Model, Session, Tries")


def test_a_terminal_too_narrow_for_any_column_gets_the_time(exporter: Exporter, tmp_path: Path) -> None:
    row = json.loads(run(tmp_path, exporter, "--failed", "--json"))
    lines = lines_for(1, UTC, dated=False, id_chars=12)
    assert lines.header().plain.strip() == "Time"
    time_of_day, error = lines.of(row)
    assert re.fullmatch(r"\d\d:\d\d:\d\d", time_of_day.plain)
    assert "BROKEN" in error.plain


@pytest.mark.parametrize("columns", [80, 200])
def test_lines_fit_the_terminal(exporter: Exporter, columns: int) -> None:
    command = (CODEROUTER, "requests", "--url", url(exporter), "--failed")
    with terminal(columns, 24, *command, env={}) as screen:
        shown = screen.wait_for("BROKEN")
        assert all(len(line) <= columns for line in shown)
        assert (request_id(31) in "\n".join(shown)) == (columns == 200)
        assert screen.colours


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--failed",), [31]),
        (("--outcome", "ok", "--limit", "2"), [30, 29]),
        (("--error", "STRASSE 7"), [7]),
        (("--provider", "claude"), []),
        (("--provider", "openrouter-free", "--session", f"{1:012x}", "--limit", "1"), [29]),
        (("--agent", "codex", "--model", "m", "--profile", "coding", "--until", utc(NOW - 597.5)), [2, 1]),
        (("--since", utc(NOW - 570.5), "--limit", "5"), [31, 30]),
        (("--since", "5m"), []),
    ],
)
def test_options_filter(
    exporter: Exporter, options: tuple[str, ...], expected: list[int], tmp_path: Path
) -> None:
    lines = run(tmp_path, exporter, "--json", *options).splitlines()
    assert [json.loads(line)["request_id"] for line in lines] == list(map(request_id, expected))
    table = csv.DictReader(io.StringIO(run(tmp_path, exporter, "--csv", *options)))
    assert [row["request_id"] for row in table] == list(map(request_id, expected))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--agent", "nobody"), "coderouter: agent=nobody: must be claude-code, "),
        (("--since", "yesterday"), "'yesterday' is not a time; write e.g. 2h, "),
        (("--outcome", "fine"), "'fine' is not one of 'ok', "),
        (("--csv", "--follow"), "--csv cannot be combined with --follow"),
    ],
)
def test_what_is_not_allowed_is_named(
    exporter: Exporter, options: tuple[str, ...], error: str, tmp_path: Path
) -> None:
    assert error in run(tmp_path, exporter, *options, code=2)


class WithoutApi(BaseHTTPRequestHandler):
    """An exporter from before there was an API."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.mark.parametrize(
    "command", [("requests",), ("trace", "req_1"), ("spend",), ("compare", "a", "b"), ("suggest",)]
)
def test_an_older_exporter_and_one_that_cannot_be_reached_are_said(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), WithoutApi) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        at = f"http://127.0.0.1:{server.server_port}"
        older = coderouter(tmp_path, *command, "--url", at)
        server.shutdown()
    gone = coderouter(tmp_path, *command, "--url", at)
    assert (older.code, older.stdout) == (gone.code, gone.stdout) == (1, "")
    read = "; to read the event files: coderouter trace req_1 --events ~/.coderouter/events.jsonl"
    otherwise = read if command[0] == "trace" else ""
    assert older.stderr == f"coderouter: the exporter at {at} is older than this command{otherwise}\n"
    assert gone.stderr == f"coderouter: cannot reach {at} (Connection refused); {START}{otherwise}\n"


class Following:
    def __init__(self, process: "subprocess.Popen[bytes]", output: Path, errors: Path) -> None:
        self.process = process
        self._output = output
        self._errors = errors

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self._output.read_bytes().splitlines()]

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def wait_for(self, number: int) -> None:
        eventually(lambda: any(row["request_id"] == request_id(number) for row in self.rows))


@contextmanager
def following(folder: Path, port: int, *options: str) -> Iterator[Following]:
    output, errors = folder / "output", folder / "errors"
    command: list[str | Path] = ["env", "--default-signal=INT", CODEROUTER, "requests", "--follow", "--json"]
    command += ["--url", f"http://127.0.0.1:{port}", *options]
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=clean_environment())
    try:
        yield Following(process, output, errors)
    finally:
        process.kill()
        process.wait()


def test_each_request_is_followed_once_across_restarts_and_late_ones_too(tmp_path: Path) -> None:
    events, state, port = tmp_path / "events.jsonl", tmp_path / "exporter.db", free_port()
    at = f"127.0.0.1:{port}"
    now = time.time()
    append(events, startup(now - 700, "w"))
    for number in range(1, 6):
        append(events, *story(number, now - 600 + number))
    with following(tmp_path, port, "--limit", "2") as follower:
        eventually(lambda: "Retrying." in follower.errors)
        with running_exporter(events, state=state, listen=at) as exporter:
            follower.wait_for(5)
            append(events, line("try-provider", ts=utc(now - 60), writer="gone", seq=1, request_id=request_id(900),
                                provider="ollama", stream=True))  # fmt: skip
            append(events, *story(6, now - 9))
            follower.wait_for(6)
            append(events, *(part for n in range(100, 350) for part in story(n, now - 500 + n / 1000)))
            append(events, *story(7, now - 1800))
            follower.wait_for(7)
            exporter.command.stop(SIGKILL)
            append(events, *(part for n in range(400, 500) for part in story(n, now - 8 + n / 1000)))
            append(events, startup(now - 1, "new", ended_writers={"gone": 1}))
            eventually(lambda: follower.errors.count("Retrying.") == 2)
        with running_exporter(events, state=state, listen=at):
            follower.wait_for(499)
            append(events, *story(8, now - 0.5))
            follower.wait_for(8)
            follower.wait_for(900)
        follower.process.send_signal(SIGINT)
        assert follower.process.wait(30) == 0
        shown = [row["request_id"] for row in follower.rows]
    expected = [4, 5, 6, *range(100, 350), 7, *range(400, 500), 8, 900]
    assert sorted(shown) == sorted(map(request_id, expected))
    assert shown[:3] == list(map(request_id, (4, 5, 6)))
    assert next(row["outcome"] for row in follower.rows if row["request_id"] == request_id(900)) == "lost"
    assert "Traceback" not in follower.errors


def test_a_followed_request_is_shown_when_it_ends(tmp_path: Path) -> None:
    events, now = tmp_path / "events.jsonl", time.time()
    append(events, startup(now - 700, "w"))
    *begun, end = story(1, now)
    with (
        running_exporter(events, state=tmp_path / "exporter.db") as exporter,
        following(tmp_path, exporter.port) as follower,
    ):
        append(events, *begun)
        append(events, *story(2, now))
        follower.wait_for(2)
        append(events, end)
        follower.wait_for(1)
        assert [row["outcome"] for row in follower.rows] == ["ok", "ok"]
