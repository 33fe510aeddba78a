"""`coderouter doctor` looks at the whole pipeline and tells of each part that is broken, and what to do about it."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coderouter_proxy.doctor.pipeline.checks import check_pipeline
from coderouter_proxy.doctor.result import Result, exit_code
from support.disk import small_disk
from support.events import read
from support.exporter.process import Exporter, append, running_exporter, tried
from support.processes import clean_environment, eventually, free_port
from support.proxy import openai_answers, process
from support.proxy.process import Proxy
from support.proxy.upstream import CUT, HANG, Provider, Script, Upstream, stream, whole
from support.run_command import coderouter, coderouter_at_terminal

ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}
KEY = "a value that nobody may see"
MODELS = whole({"object": "list", "data": [{"id": "a-model"}, {"id": "other"}]})


@dataclass(frozen=True)
class Alive:
    """A proxy and an exporter that are well, in a folder of their own."""

    folder: Path
    proxy: Proxy
    exporter: Exporter

    @property
    def arguments(self) -> dict[str, Any]:
        return {
            "config": None,
            "events_path": self.proxy.events_path,
            "proxy_url": f"http://127.0.0.1:{self.proxy.port}",
            "exporter_url": f"http://127.0.0.1:{self.exporter.port}",
        }

    @property
    def options(self) -> list[str]:
        names = {"events_path": "--events"}
        given = {
            names.get(name, f"--{name.replace('_', '-')}"): value for name, value in self.arguments.items()
        }
        return [f"{option}={value}" for option, value in given.items() if value is not None]

    def doctor(self, **other: object) -> "Found":
        return doctor(**{**self.arguments, **other})


@dataclass(frozen=True)
class Found:
    """What the doctor found, by subject and check."""

    code: int
    results: dict[str, Result]

    def __getitem__(self, place: str) -> Result:
        return self.results[place]

    @property
    def verdicts(self) -> dict[str, str]:
        return {place: result.verdict.value for place, result in self.results.items()}

    @property
    def changed(self) -> dict[str, str]:
        """The verdicts that are not those of a pipeline that is well."""
        return {place: verdict for place, verdict in self.verdicts.items() if WELL.get(place) != verdict}


def doctor(**arguments: Any) -> Found:
    results = check_pipeline(**arguments)
    assert not any(KEY in result.message + result.remedy for result in results)
    return Found(exit_code(results), {f"{result.subject}/{result.check}": result for result in results})


@pytest.fixture(scope="module")
def alive(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alive]:
    folder = tmp_path_factory.mktemp("alive")
    providers: list[dict[str, object]] = [
        process.provider("a", upstream_server.provider("a").base_url, api_key_env="A_KEY"),
        ECHO,
        process.provider("dear", "https://cloud.example/v1", paid=True),
    ]
    with (
        process.serving(folder, process.config(providers), env={"A_KEY": KEY}) as started,
        running_exporter(started.events_path, state=folder / "exporter.db") as exporter,
    ):
        eventually(exporter.is_ready)
        yield Alive(folder, started, exporter)


@pytest.fixture(autouse=True)
def environment(alive: Alive, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(alive.folder))
    monkeypatch.setenv("A_KEY", KEY)
    monkeypatch.chdir(alive.folder)


@pytest.fixture(autouse=True)
def models(upstream_server: Upstream, a: Provider) -> None:
    upstream_server.forget()
    a.plays(always=MODELS)


WELL = {
    "configuration/providers.yaml": "OK",
    "configuration/profile default": "OK",
    "providers/a": "OK",
    "providers/echo": "OK",
    "providers/dear": "SKIP",
    "events/event file": "OK",
    "proxy/proxy": "OK",
    "counting/exporter": "OK",
    "counting/event file": "OK",
    "counting/state": "OK",
    "counting/exact": "OK",
    "counting/end to end": "OK",
}


def test_where_all_is_well_every_part_is_ok_and_no_model_was_asked(alive: Alive, a: Provider) -> None:
    before = len(read(alive.proxy.events_path))
    found = alive.doctor()
    assert found.verdicts == WELL
    assert found.code == 0
    assert [request.path for request in a.requests] == ["/a/v1/models"]
    assert a.request.headers["authorization"] == f"Bearer {KEY}"
    more = read(alive.proxy.events_path)[before:]
    assert {event["msg"] for event in more} <= {"proxy-heartbeat"}


def test_the_command_shows_it_as_json_and_exits_with_its_code(
    alive: Alive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("A_KEY")
    (alive.folder / "keys.env").write_text(f"A_KEY='{KEY}'\n")
    for options, code, verdict in (([], 1, "AUTH_FAIL"), (["--env-file=keys.env"], 0, "OK")):
        ended = coderouter(alive.folder, "doctor", "--json", *alive.options, *options)
        assert ended.code == code
        [shown] = [result for result in json.loads(ended.stdout)["results"] if result["check"] == "a"]
        assert (shown["subject"], shown["verdict"]) == ("providers", verdict)
        assert KEY not in ended.stdout + ended.stderr


def test_the_newest_event_is_the_one_that_was_seen(alive: Alive, a: Provider) -> None:
    a.plays(openai_answers.answer(), always=MODELS)
    assert alive.proxy.asks().rest().status == 200
    seen = alive.doctor()["counting/end to end"]
    assert seen.message.startswith(("counted: request-finished of ", "counted: proxy-heartbeat of "))


@pytest.mark.parametrize(
    ("script", "verdict", "told", "remedy"),
    [
        (
            whole({"error": {"message": "no"}}, status=401),
            "AUTH_FAIL",
            "answers 401: no",
            "correct the key in A_KEY",
        ),
        (
            whole({"error": {"message": KEY}}, status=403),
            "AUTH_FAIL",
            "answers 403: ***",
            "correct the key in A_KEY",
        ),
        (whole(b"", status=404), "NEEDS_TUNING", "answers 404: ", "its base_url may lack /v1"),
        (whole(b"", status=500), "TRANSPORT_ERROR", "answers 500: ", "look into the server's log"),
        (whole(b"", status=302), "TRANSPORT_ERROR", "redirects with 302", "correct base_url or kind"),
        (whole({"error": "slow down"}, status=429), "OK", "answers 429: slow down", ""),
        (
            whole(b"<html>"),
            "TRANSPORT_ERROR",
            "answers something that is no list of models",
            "correct base_url or kind",
        ),
        (
            whole([1]),
            "TRANSPORT_ERROR",
            "answers something that is no list of models",
            "correct base_url or kind",
        ),
        (
            whole({"data": [{"id": "b"}]}),
            "NEEDS_TUNING",
            "a-model is not among the 1 models",
            "one that is there: b",
        ),
        (whole({"data": []}), "NEEDS_TUNING", "a-model is not among the 0 models", "load it there"),
        (
            whole({"data": [{"id": "b", "owned_by": "library"}]}),
            "NEEDS_TUNING",
            "a-model is not among",
            "ollama pull a-model, or write one",
        ),
        (
            whole({"data": [{"id": "b", "owned_by": "llamacpp"}]}),
            "OK",
            "answers; llama.cpp serves the one model",
            "",
        ),
        (whole({"data": [{"id": "a-model:latest"}]}), "OK", "answers, and has a-model", ""),
        (whole({"data": [{"id": "models/a-model"}]}), "OK", "answers, and has a-model", ""),
        ((), "TRANSPORT_ERROR", "", "start the server, or correct base_url"),
    ],
)
def test_a_provider_is_told_by_its_list_of_models(
    script: Script, verdict: str, told: str, remedy: str, alive: Alive, a: Provider
) -> None:
    a.plays(always=script or (CUT,))
    found = alive.doctor()
    result = found["providers/a"]
    assert result.verdict == verdict
    assert told in result.message
    assert remedy in result.remedy
    assert bool(result.remedy) == bool(remedy)
    assert found.changed == ({} if verdict == "OK" else {"providers/a": verdict})
    assert found.code == {"OK": 0, "NEEDS_TUNING": 2}.get(verdict, 1)


def test_a_key_that_is_not_set_is_told_and_the_provider_not_asked(
    alive: Alive, a: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", " ")
    found = alive.doctor()
    assert found.changed == {"providers/a": "AUTH_FAIL"}
    assert found["providers/a"].message == "has no key: A_KEY is not set"
    assert a.requests == []


def test_providers_of_the_anthropic_wire_are_asked_on_it(alive: Alive, tmp_path: Path, a: Provider) -> None:
    a.plays(whole({"data": [{"id": "claude-x"}], "has_more": False}))
    provider = process.provider("claude", a.base_url, kind="anthropic", model="claude-x", api_key_env="A_KEY")
    found = alive.doctor(config=process.write_config(tmp_path, process.config([provider])))
    assert found["providers/claude"].verdict == "OK"
    assert a.request.path == "/a/v1/models?limit=1000"
    assert a.request.headers["x-api-key"] == KEY
    assert "anthropic-version" in a.request.headers


def test_where_nothing_runs_each_part_says_how_to_start_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    found = doctor(config=None, events_path=tmp_path / "new" / "events.jsonl", **nowhere())
    assert found.code == 1
    assert found["configuration/providers.yaml"].remedy == "write one: coderouter init"
    assert found["proxy/proxy"].remedy.startswith("start it: coderouter serve")
    assert found["counting/exporter"].remedy == "start it: cr-exporter"
    assert found["counting/end to end"].verdict == "SKIP"
    assert found["events/event file"].message.startswith(f"{tmp_path}/new/events.jsonl can be made, ")
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_with_faults_is_told_whole_and_the_rest_is_looked_at(
    alive: Alive, tmp_path: Path
) -> None:
    path = process.write_config(tmp_path, "providers: []\nspeed: 9\n")
    results = check_pipeline(**{**alive.arguments, "config": path})
    faults = [result for result in results if result.subject == "configuration"]
    assert any("speed: is not a known field" in fault.message for fault in faults)
    assert any("profiles: is missing" in fault.message for fault in faults)
    changed = {"configuration/providers.yaml": "NEEDS_TUNING", "providers/all": "SKIP"}
    assert alive.doctor(config=path).changed == changed


def test_a_file_that_is_named_and_not_there_ends_the_command(alive: Alive) -> None:
    ended = coderouter(alive.folder, "doctor", "--config=no.yaml")
    assert (ended.code, ended.stdout) == (1, "")
    assert ended.stderr.startswith("coderouter: no.yaml: there is no such file")


def test_chains_that_ask_nobody_or_name_what_is_not_there_are_told(alive: Alive, tmp_path: Path) -> None:
    dear = process.provider("dear", "https://cloud.example/v1", paid=True)
    chains = {"default": ["echo"], "money": ["dear"], "ghostly": ["ghost", "echo"], "ghosts": ["ghost"]}
    found = alive.doctor(config=process.write_config(tmp_path, process.config([ECHO, dear], chains)))
    assert found["configuration/profile default"].message == "echo"
    money = found["configuration/profile money"]
    assert money.message == "nobody to ask (skipped: dear: paid, and allow_paid is false)"
    assert "ALLOW_PAID=true" in money.remedy
    assert found["configuration/profile ghostly"].remedy.startswith("configure it among the providers")
    assert found["configuration/profile ghosts"].verdict == "NEEDS_TUNING"
    assert found["proxy/proxy"].message.endswith("but has other providers: a, echo, dear")


def test_another_allow_paid_than_that_of_the_running_proxy_is_told(
    alive: Alive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_PAID", "true")
    dear = process.provider("dear", f"http://127.0.0.1:{free_port()}/v1", paid=True)
    a = process.provider("a", "http://127.0.0.1:1/v1")
    result = alive.doctor(config=process.write_config(tmp_path, process.config([a, ECHO, dear])))[
        "proxy/proxy"
    ]
    assert result.message.endswith("but has allow_paid: false")
    assert "SIGHUP" in result.remedy


@pytest.mark.parametrize(("part", "place"), [("proxy", "proxy/proxy"), ("exporter", "counting/exporter")])
def test_something_else_at_an_address_is_told(
    part: str, place: str, alive: Alive, upstream_server: Upstream
) -> None:
    upstream_server.provider("website").plays(always=whole(b"<html>It works!</html>"))
    found = alive.doctor(**{f"{part}_url": below(upstream_server, "website")})
    assert found[place].verdict == "TRANSPORT_ERROR"
    assert "something else answers at" in found[place].message


def test_an_exporter_behind_a_password_is_told_and_the_password_never(
    alive: Alive, upstream_server: Upstream
) -> None:
    guarded = upstream_server.provider("guarded")
    guarded.plays(always=whole(b"Unauthorized", status=401))
    found = alive.doctor(exporter_url=f"http://me:pass-word@127.0.0.1:{upstream_server.port}/guarded")
    assert found["counting/exporter"].verdict == "AUTH_FAIL"
    assert not any("pass-word" in result.message for result in found.results.values())
    assert guarded.request.headers["authorization"].startswith("Basic ")


def test_one_that_does_not_answer_is_waited_for_in_bounds(
    alive: Alive, upstream_server: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coderouter_proxy.doctor.pipeline.http.ANSWER_S", 0.2)
    upstream_server.provider("silent").plays(always=(HANG,))
    silent = below(upstream_server, "silent")
    found = alive.doctor(proxy_url=silent, exporter_url=silent)
    assert found["proxy/proxy"].message == "no answer within 0.2 s"
    assert found["counting/exporter"].message == "no answer within 0.2 s"


def test_a_provider_that_does_not_answer_is_waited_for_in_bounds(
    alive: Alive, a: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coderouter_proxy.doctor.pipeline.providers.ANSWER_S", 0.2)
    a.plays(always=stream(HANG))
    assert alive.doctor()["providers/a"].message == "no list of models within 0.2 s"


def test_an_exporter_of_another_file_is_told(alive: Alive, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    found = alive.doctor(events_path=other)
    assert found["counting/event file"].message == f"it reads {alive.proxy.events_path}, not {other}"
    assert found["counting/end to end"].verdict == "SKIP"


def test_by_another_name_it_is_the_same_file(alive: Alive, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(alive.folder)
    assert alive.doctor(events_path=tmp_path / "link" / "events.jsonl").changed == {}


def test_a_proxy_that_writes_elsewhere_is_told(alive: Alive, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    with exporting(events) as url:
        nothing = alive.doctor(events_path=events, exporter_url=url)["counting/end to end"]
        append(events, tried(ts="2026-11-20T08:00:00.000Z", writer="w", seq=1))
        old = alive.doctor(events_path=events, exporter_url=url)["counting/end to end"]
    assert (nothing.verdict, old.verdict) == ("NEEDS_TUNING", "NEEDS_TUNING")
    assert nothing.message == "the proxy runs, and there is no event in the file"
    assert old.message.startswith("the proxy runs, but the newest event is try-provider of ")


def test_an_event_that_is_old_because_no_proxy_runs_is_well(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    then = time.gmtime(time.time() - 3 * 3600)
    append(events, tried(ts=time.strftime("%Y-%m-%dT%H:%M:%S.000Z", then), writer="w", seq=1))
    with exporting(events) as url:
        result = alone(events, url)["counting/end to end"]
    assert (result.verdict, result.message) == ("OK", "counted: try-provider of 3 hours ago")


def test_counts_that_are_not_exact_are_told_with_the_reason(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    append(events, tried(writer="w", seq=1), tried(writer="w", seq=4))
    with exporting(events) as url:
        result = alone(events, url)["counting/exact"]
    assert result.verdict == "NEEDS_TUNING"
    assert result.message.startswith("not known to be exact; events missing: 2, ")


SAMPLES = """\
cr_exporter_exact 1.0
cr_exporter_checkpoint_failing {failing}
cr_exporter_bytes_behind 300.0
coderouter_last_event_timestamp_seconds 1.0
cr_exporter_source_readable{{path="{path}"}} {readable}
"""
NOT_READY = whole(b"not ready: still catching up\n", status=503)


@pytest.mark.parametrize(
    ("failing", "readable", "check", "told"),
    [
        (2, 1, "state", "2 commits in a row have failed"),
        (0, 0, "event file", "it cannot read "),
        (0, 1, "state", "not ready: still catching up; 300 bytes of events not counted yet"),
        (0, 1, "end to end", "not counted yet: "),
    ],
)
def test_an_exporter_in_trouble_is_told_by_its_metrics(
    failing: int, readable: int, check: str, told: str, alive: Alive, upstream_server: Upstream
) -> None:
    text = SAMPLES.format(failing=failing, readable=readable, path=alive.proxy.events_path)
    upstream_server.provider("ill").plays(NOT_READY, whole(text.encode()))
    found = alive.doctor(exporter_url=below(upstream_server, "ill"))
    result = found[f"counting/{check}"]
    assert result.verdict == "NEEDS_TUNING"
    assert result.message.startswith(told)
    assert found.code == 2


def test_an_exporter_that_recovers_is_only_said_to_be_not_ready(
    alive: Alive, upstream_server: Upstream
) -> None:
    upstream_server.provider("ill").plays(always=NOT_READY)
    found = alive.doctor(exporter_url=below(upstream_server, "ill"))
    skipped = {f"counting/{check}": "SKIP" for check in ("event file", "exact", "end to end")}
    assert found.changed == {"counting/state": "NEEDS_TUNING", **skipped}


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_an_event_file_that_cannot_be_written_is_told(kind: str, alive: Alive, tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    result = alive.doctor(events_path=path)["events/event file"]
    assert result.verdict == "NEEDS_TUNING"
    assert result.message.startswith(f"{path} cannot be written: ")


def test_a_disk_that_is_nearly_full_is_told(alive: Alive, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 512) as disk:
        result = alive.doctor(events_path=disk.folder / "events.jsonl")["events/event file"]
    assert result.verdict == "NEEDS_TUNING"
    assert result.message.endswith("can be written, only 1 MB free")


def test_looking_at_the_event_file_changes_nothing(alive: Alive, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    append(path, tried(writer="w", seq=1), b"half a li")
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    alive.doctor(events_path=path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_events_that_are_off_are_said_to_count_nothing(alive: Alive) -> None:
    result = alive.doctor(events_path=None)["events/event file"]
    assert (result.verdict, "nothing counted" in result.message) == ("SKIP", True)


def test_a_newcomer_reads_a_table_at_a_terminal_and_lines_in_a_pipe(alive: Alive) -> None:
    shown = coderouter_at_terminal(alive.folder, "doctor", *alive.options, env={"A_KEY": KEY}).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "what was found" in shown
    plain = coderouter(alive.folder, "doctor", *alive.options, env={"A_KEY": KEY}).stdout
    assert "  OK  end to end  counted: " in plain
    assert "\x1b" not in plain


def below(upstream_server: Upstream, name: str) -> str:
    return f"http://127.0.0.1:{upstream_server.port}/{name}"


def nowhere() -> dict[str, str]:
    url = f"http://127.0.0.1:{free_port()}"
    return {"proxy_url": url, "exporter_url": url}


@contextmanager
def exporting(events: Path) -> Iterator[str]:
    with running_exporter(events, state=events.parent / "exporter.db") as exporter:
        eventually(exporter.is_ready)
        yield f"http://127.0.0.1:{exporter.port}"


def alone(events: Path, exporter_url: str) -> Found:
    """Return what is found where an exporter runs and no proxy."""
    return doctor(config=None, events_path=events, **{**nowhere(), "exporter_url": exporter_url})
