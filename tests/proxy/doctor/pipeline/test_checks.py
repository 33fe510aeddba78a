"""`coderouter doctor` checks the whole pipeline and reports each part that is broken, with a remedy."""

import json
from pathlib import Path

import pytest

from coderouter_proxy.doctor.pipeline.checks import check_pipeline
from support.events import read
from support.processes import free_port
from support.proxy import process
from support.proxy.pipeline import ECHO, HEALTHY, KEY, Pipeline, check, unused_urls, url_of
from support.proxy.upstream import HANG, Provider, Upstream, whole
from support.run_command import coderouter, coderouter_at_terminal


def test_a_healthy_pipeline_is_ok_in_every_part_and_no_model_gets_a_request(
    pipeline: Pipeline, a: Provider
) -> None:
    before = len(read(pipeline.proxy.events_path))
    found = pipeline.check()
    assert found.verdicts == HEALTHY
    assert found.code == 0
    assert [request.path for request in a.requests] == ["/a/v1/models"]
    assert a.request.headers["authorization"] == f"Bearer {KEY}"
    more = read(pipeline.proxy.events_path)[before:]
    assert {event["msg"] for event in more} <= {"proxy-heartbeat"}


def test_the_command_writes_json_and_exits_with_its_code(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("A_KEY")
    (pipeline.folder / "keys.env").write_text(f"A_KEY='{KEY}'\n")
    for options, code, verdict in (([], 1, "AUTH_FAIL"), (["--env-file=keys.env"], 0, "OK")):
        ended = coderouter(pipeline.folder, "doctor", "--json", *pipeline.options, *options)
        assert ended.code == code
        [shown] = [result for result in json.loads(ended.stdout)["results"] if result["check"] == "a"]
        assert (shown["subject"], shown["verdict"]) == ("providers", verdict)
        assert KEY not in ended.stdout + ended.stderr


def test_when_nothing_runs_each_part_says_how_to_start_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    found = check(config=None, events_path=tmp_path / "new" / "events.jsonl", **unused_urls())
    assert found.code == 1
    assert found["configuration/providers.yaml"].remedy == "create one: coderouter init"
    assert found["proxy/proxy"].remedy.startswith("start it, with the exporter: coderouter run")
    assert found["counting/exporter"].remedy == "start it: cr-exporter, or both programs: coderouter run"
    assert found["counting/end to end"].verdict == "SKIP"
    assert found["events/event file"].message.startswith(f"{tmp_path}/new/events.jsonl can be created, ")
    assert list(tmp_path.iterdir()) == []


def test_all_errors_of_a_configuration_are_reported_and_the_other_parts_are_checked(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    path = process.write_config(tmp_path, "providers: []\nspeed: 9\n")
    results = check_pipeline(**{**pipeline.arguments, "config": path})
    errors = [result for result in results if result.subject == "configuration"]
    assert any("speed: is not a known field" in error.message for error in errors)
    assert any("profiles: is missing" in error.message for error in errors)
    unhealthy = {"configuration/providers.yaml": "NEEDS_TUNING", "providers/all": "SKIP"}
    assert pipeline.check(config=path).unhealthy == unhealthy


def test_a_config_path_that_does_not_exist_ends_the_command(pipeline: Pipeline) -> None:
    ended = coderouter(pipeline.folder, "doctor", "--config=no.yaml")
    assert (ended.code, ended.stdout) == (1, "")
    assert ended.stderr.startswith("coderouter: no.yaml: there is no such file")


def test_a_profile_with_no_provider_to_try_or_an_unknown_one_is_reported(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    dear = process.provider("dear", "https://cloud.example/v1", paid=True)
    chains = {"default": ["echo"], "money": ["dear"], "ghostly": ["ghost", "echo"], "ghosts": ["ghost"]}
    found = pipeline.check(config=process.write_config(tmp_path, process.config([ECHO, dear], chains)))
    assert found["configuration/profile default"].message == "echo"
    money = found["configuration/profile money"]
    assert money.message == "no provider to try (skipped: dear: paid, and allow_paid is false)"
    assert "ALLOW_PAID=true" in money.remedy
    assert found["configuration/profile ghostly"].remedy.startswith("add it to the providers")
    assert found["configuration/profile ghosts"].verdict == "NEEDS_TUNING"
    assert found["proxy/proxy"].message.endswith("but has other providers: a, echo, dear")


def test_a_running_proxy_with_another_allow_paid_is_reported(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_PAID", "true")
    dear = process.provider("dear", f"http://127.0.0.1:{free_port()}/v1", paid=True)
    a = process.provider("a", "http://127.0.0.1:1/v1")
    result = pipeline.check(config=process.write_config(tmp_path, process.config([a, ECHO, dear])))[
        "proxy/proxy"
    ]
    assert result.message.endswith("but has allow_paid: false")
    assert "SIGHUP" in result.remedy


@pytest.mark.parametrize(("part", "place"), [("proxy", "proxy/proxy"), ("exporter", "counting/exporter")])
def test_something_else_at_an_address_is_reported(
    part: str, place: str, pipeline: Pipeline, upstream_server: Upstream
) -> None:
    upstream_server.provider("website").plays(always=whole(b"<html>It works!</html>"))
    found = pipeline.check(**{f"{part}_url": url_of(upstream_server, "website")})
    assert found[place].verdict == "TRANSPORT_ERROR"
    assert "something else responds at" in found[place].message


def test_a_proxy_and_an_exporter_that_hang_time_out(
    pipeline: Pipeline, upstream_server: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coderouter_proxy.doctor.pipeline.http.TIMEOUT_S", 0.2)
    upstream_server.provider("silent").plays(always=(HANG,))
    silent = url_of(upstream_server, "silent")
    found = pipeline.check(proxy_url=silent, exporter_url=silent)
    assert found["proxy/proxy"].message == "no response within 0.2 s"
    assert found["counting/exporter"].message == "no response within 0.2 s"


def test_a_terminal_gets_a_table_and_a_pipe_gets_lines(pipeline: Pipeline) -> None:
    shown = coderouter_at_terminal(pipeline.folder, "doctor", *pipeline.options, env={"A_KEY": KEY}).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "verdict" in shown
    assert "result" in shown
    plain = coderouter(pipeline.folder, "doctor", *pipeline.options, env={"A_KEY": KEY}).stdout
    assert "  OK  end to end  counted: " in plain
    assert "\x1b" not in plain
