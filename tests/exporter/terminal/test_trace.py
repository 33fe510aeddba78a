"""`coderouter trace`: the story of one request, from the exporter and from event files, which agree."""

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from backports import zstd

from coderouter_exporter.terminal import trace_request
from support.exporter.process import Exporter, append, running_exporter
from support.exporter.request_lines import failed, request_id, story
from support.exporter.sample_events import startup
from support.processes import free_port
from support.proxy.process import CODEROUTER
from support.run_command import Ended, coderouter
from support.terminal.tmux import terminal

pytestmark = pytest.mark.slow

NOW = time.time()
IN_EACH_FILE = range(1, 5)
ACROSS = 5
"""Begins in a rotated file and ends in the event file."""


OPEN = 7
"""Has begun and not ended."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an event file that has been rotated three times, and a copy that is damaged."""
    folder = tmp_path_factory.mktemp("trace")
    stories = [b"".join(story(number, NOW - 600 + number)) for number in IN_EACH_FILE]
    *begun, end = story(ACROSS, NOW - 500, outcome="midstream", error_type="timeout_idle")
    (folder / "events.jsonl.3.zst").write_bytes(zstd.compress(startup(NOW - 700, "w") + stories[0]))
    (folder / "events.jsonl.2.gz").write_bytes(gzip.compress(stories[1]))
    (folder / "events.jsonl.1").write_bytes(stories[2] + b"".join(begun))
    append(folder / "events.jsonl", stories[3], end, *failed(6, NOW - 400), *list(story(OPEN, NOW))[:3])
    (folder / "events.jsonl.lock").touch()
    return folder


@pytest.fixture(scope="module")
def exporter(folder: Path) -> Iterator[Exporter]:
    with running_exporter(folder / "events.jsonl", state=folder / "exporter.db") as exporter:
        yield exporter


def trace(folder: Path, *arguments: str, code: int = 0) -> Ended:
    ended = coderouter(folder, "trace", *arguments)
    assert ended.code == code, ended.stderr
    return ended


def from_exporter(folder: Path, exporter: Exporter, *arguments: str, code: int = 0) -> Ended:
    return trace(folder, "--url", f"http://127.0.0.1:{exporter.port}", *arguments, code=code)


def from_files(folder: Path, *arguments: str, code: int = 0) -> Ended:
    """Trace in the files, where no exporter could be reached."""
    url = f"http://127.0.0.1:{free_port()}"
    return trace(folder, "--url", url, "--events", str(folder / "events.jsonl"), *arguments, code=code)


@pytest.mark.parametrize("number", [*IN_EACH_FILE, ACROSS, 6])
def test_exporter_and_event_files_have_the_same_story(folder: Path, exporter: Exporter, number: int) -> None:
    kept = trace_request.from_exporter(f"http://127.0.0.1:{exporter.port}", request_id(number)).row
    read = trace_request.from_files([folder / "events.jsonl"], request_id(number)).row
    assert kept == read
    assert [step["what"] for step in kept["steps"]] == [
        "skipped", "try", "failed", "try", "ok", "repaired", "finished",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "files"),
    [(1, "events.jsonl.3.zst"), (2, "events.jsonl.2.gz"), (ACROSS, "events.jsonl.1, {}/events.jsonl")],
)
def test_the_files_are_named(folder: Path, number: int, files: str) -> None:
    found = trace_request.from_files([folder / "events.jsonl"], request_id(number))
    assert found.source == f"{folder}/{files.format(folder)}"


def test_json_is_the_request_of_the_api(folder: Path, exporter: Exporter) -> None:
    _, body = exporter.get(f"/api/v1/requests/{request_id(1)}")
    assert json.loads(from_exporter(folder, exporter, "--json", request_id(1)).stdout) == json.loads(body)
    shown = from_files(folder, request_id(1)).stdout
    assert f"read from {folder}/events.jsonl.3.zst"[:100] in shown.replace("\n", "")


def test_the_story_has_all_that_is_known(folder: Path, exporter: Exporter) -> None:
    shown = from_exporter(folder, exporter, request_id(ACROSS)).stdout
    assert f"read from the exporter at http://127.0.0.1:{exporter.port}" in shown
    assert "\x1b" not in shown
    for words in (
        "■ broke off",
        "budget spent: $5.25 of $5.00",
        "upstream_5xx: HTTP 500: Straße 5  [31mBROKEN",
        "then 1 s of answer",
        "1,000 in, 90 from cache, 11 out",
        "count 2",
        "queue",
        "number 2",
    ):
        assert words in shown


@pytest.mark.parametrize(("number", "outcome"), [(6, "■ exhausted"), (OPEN, "○ in progress")])
def test_a_request_without_an_answer_has_a_story(
    folder: Path, exporter: Exporter, number: int, outcome: str
) -> None:
    kept = from_exporter(folder, exporter, request_id(number)).stdout
    read = from_files(folder, request_id(number)).stdout
    for shown in (kept, read):
        assert outcome in shown
        assert "upstream_5xx: HTTP 500: Straße" in shown
        assert "Cost" not in shown


def test_an_unknown_cost_is_not_zero_and_says_what_to_do(folder: Path, exporter: Exporter) -> None:
    shown = from_exporter(folder, exporter, request_id(1)).stdout
    assert "unknown: no price for openrouter-free; to add it: coderouter prices" in shown


def test_the_first_letters_of_an_id_suffice(folder: Path, exporter: Exporter) -> None:
    for ended in (from_exporter(folder, exporter, "req_00000003"), from_files(folder, "req_00000003")):
        assert ended.stdout.startswith(request_id(3))


def test_an_ambiguous_id_is_answered_with_what_it_may_be(folder: Path, exporter: Exporter) -> None:
    for ended in (from_exporter(folder, exporter, "req_", code=1), from_files(folder, "req_", code=1)):
        assert "'req_' is the beginning of 7 requests: " in ended.stderr
        assert request_id(4) in ended.stderr


def test_a_request_that_is_not_kept_may_be_in_the_event_files(folder: Path, exporter: Exporter) -> None:
    ended = from_exporter(folder, exporter, "req_none", code=1)
    assert (
        "has no request 'req_none': it is too old, or not read yet; to read the event files: " in ended.stderr
    )
    assert "events.jsonl has no request 'req_none': it is in none of them" in from_files(
        folder, "req_none", code=1
    ).stderr.replace("\n", "")


def test_an_unreadable_file_does_not_hide_the_others(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(story(1, NOW)) + b"x" * 100_000)
    (tmp_path / "events.jsonl.2.gz").write_bytes(whole[:-20])
    (tmp_path / "events.jsonl.1.gz").write_bytes(b"\x1f\x8b broken")
    append(tmp_path / "events.jsonl", *story(2, NOW))
    ended = from_files(tmp_path, request_id(2))
    assert ended.stdout.startswith(request_id(2))
    assert "events.jsonl.1.gz" in ended.stderr


def test_without_event_files_it_says_so(tmp_path: Path) -> None:
    assert f"there is no event file {tmp_path}/events.jsonl" in from_files(tmp_path, "req_1", code=1).stderr


def test_it_fits_a_narrow_terminal(folder: Path, exporter: Exporter) -> None:
    command = (CODEROUTER, "trace", "--url", f"http://127.0.0.1:{exporter.port}", request_id(ACROSS))
    with terminal(80, 50, *command, env={}) as screen:
        shown = screen.wait_for("finished")
        assert all(len(line) <= 80 for line in shown)
        assert any("█" in line for line in shown)
        assert screen.colours
