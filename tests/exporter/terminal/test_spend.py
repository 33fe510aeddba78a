"""`coderouter spend`: the same sums as the API, and a cost that is not known is never $0."""

import csv
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.exporter.process import Exporter, append, running_exporter
from support.exporter.request_lines import failed, story
from support.exporter.sample_events import startup
from support.proxy.process import CODEROUTER
from support.run_command import coderouter
from support.terminal.tmux import terminal

pytestmark = pytest.mark.slow

NOW = time.time()
MODEL = "vendor/a-model-with-a-long-name"


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    folder = tmp_path_factory.mktemp("spend")
    events = folder / "events.jsonl"
    append(events, startup(NOW - 700, "w"))
    for number in range(1, 5):
        append(events, *story(number, NOW - 600 + number, provider="claude", cost_usd=1.25, model=MODEL))
    for number in range(5, 8):
        append(events, *story(number, NOW - 600 + number, provider="\x1b[2Jfree"))
    append(events, *failed(8, NOW - 500))
    with running_exporter(events, state=folder / "exporter.db") as exporter:
        yield exporter


def run(folder: Path, exporter: Exporter, *arguments: str, code: int = 0) -> str:
    ended = coderouter(folder, "spend", "--url", f"http://127.0.0.1:{exporter.port}", *arguments)
    assert ended.code == code, ended.stderr
    return ended.stdout if code == 0 else ended.stderr


def test_each_row_and_the_total_are_shown(exporter: Exporter, tmp_path: Path) -> None:
    lines = run(tmp_path, exporter, "--by", "provider").splitlines()
    header = ["Provider", "Requests", "Failed", "Tokens", "in", "Cached", "Tokens", "out", "Cost"]
    assert lines[0].split() == header
    assert {tuple(line.split()) for line in lines[1:4]} == {
        ("(none)", "1", "1", "0", "90", "0", "-"),
        ("[2Jfree", "3", "0", "3,000", "270", "33", "unknown"),
        ("claude", "4", "0", "4,000", "360", "44", "$5.00"),
    }
    assert lines[4].split() == ["Total", "8", "1", "7,000", "720", "77", "$5.00", "+", "unknown"]
    assert lines[5] == "Days of Europe/Berlin."
    assert lines[6] == "▲ Cost unknown for 3 answers: no price for  [2Jfree; to add it: coderouter prices"


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_numbers_are_never_cut(exporter: Exporter, columns: int) -> None:
    by = ("--by", "day,provider,model,profile")
    command = (CODEROUTER, "spend", "--url", f"http://127.0.0.1:{exporter.port}", *by)
    with terminal(columns, 24, *command, env={}) as screen:
        shown = screen.wait_for("coderouter prices" if columns == 200 else "Days of")
    assert all(len(line) <= columns for line in shown)
    assert any(line.startswith("Total") and line.endswith("$5.00 + unknown") for line in shown)
    assert any(MODEL in line for line in shown) == (columns == 200)


def test_json_and_csv_are_those_of_the_api(exporter: Exporter, tmp_path: Path) -> None:
    by = ("--by", "month,agent")
    found = json.loads(run(tmp_path, exporter, *by, "--json"))["spend"]
    [row] = csv.DictReader(io.StringIO(run(tmp_path, exporter, *by, "--csv")))
    [entry] = found
    assert (row["agent"], row["cost_usd"], row["unknown_cost"]) == ("codex", "5.0", "3")
    assert (entry["agent"], entry["cost_usd"], entry["unknown_cost"]) == ("codex", 5.0, 3)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ("--by", "day,hour"),
            "'day,hour' should be some of day,month,provider,model,agent,profile, each once",
        ),
        (("--by", "day,day"), "'day,day' should be some of "),
        (("--json", "--csv"), "--csv cannot be combined with --json"),
    ],
)
def test_what_is_not_allowed_is_named(
    exporter: Exporter, arguments: tuple[str, ...], error: str, tmp_path: Path
) -> None:
    assert error in run(tmp_path, exporter, *arguments, code=2)


def test_a_time_without_requests_is_said(exporter: Exporter, tmp_path: Path) -> None:
    ended = coderouter(
        tmp_path, "spend", "--url", f"http://127.0.0.1:{exporter.port}", "--since", "9d", "--until", "8d"
    )
    assert (ended.code, ended.stdout) == (0, "")
    assert "No request was counted in this time." in ended.stderr
