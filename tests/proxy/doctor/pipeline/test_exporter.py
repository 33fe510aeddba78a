"""Counting is checked at the exporter: it reads this event file to its end, and its counts are exact."""

import time
from pathlib import Path

import pytest

from support.exporter.process import append, tried
from support.proxy import openai_answers
from support.proxy.pipeline import MODELS, Pipeline, check_without_proxy, exporter_of, url_of
from support.proxy.upstream import Provider, Upstream, whole


def test_the_last_event_of_the_file_is_the_one_that_was_counted(pipeline: Pipeline, a: Provider) -> None:
    a.plays(openai_answers.answer(), always=MODELS)
    assert pipeline.proxy.chat().rest().status == 200
    result = pipeline.check()["counting/end to end"]
    assert result.message.startswith(("counted: request-finished from ", "counted: proxy-heartbeat from "))


def test_an_exporter_behind_a_password_is_reported_and_the_password_is_not_shown(
    pipeline: Pipeline, upstream_server: Upstream
) -> None:
    guarded = upstream_server.provider("guarded")
    guarded.plays(always=whole(b"Unauthorized", status=401))
    found = pipeline.check(exporter_url=f"http://me:pass-word@127.0.0.1:{upstream_server.port}/guarded")
    assert found["counting/exporter"].verdict == "AUTH_FAIL"
    assert not any("pass-word" in result.message for result in found.results.values())
    assert guarded.request.headers["authorization"].startswith("Basic ")


def test_an_exporter_of_another_file_is_reported(pipeline: Pipeline, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    found = pipeline.check(events_path=other)
    assert found["counting/event file"].message == f"it reads {pipeline.proxy.events_path}, not {other}"
    assert found["counting/end to end"].verdict == "SKIP"


def test_another_path_to_the_same_file_is_not_another_file(pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(pipeline.folder)
    assert pipeline.check(events_path=tmp_path / "link" / "events.jsonl").unhealthy == {}


def test_a_proxy_that_writes_to_another_file_is_reported(pipeline: Pipeline, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    with exporter_of(events) as url:
        none = pipeline.check(events_path=events, exporter_url=url)["counting/end to end"]
        append(events, tried(ts="2026-11-20T08:00:00.000Z", writer="w", seq=1))
        old = pipeline.check(events_path=events, exporter_url=url)["counting/end to end"]
    assert (none.verdict, old.verdict) == ("NEEDS_TUNING", "NEEDS_TUNING")
    assert none.message == "the proxy is running, but there is no event in the file"
    assert old.message.startswith("the proxy is running, but the last event is try-provider from ")


def test_an_old_event_is_ok_while_no_proxy_runs(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    then = time.gmtime(time.time() - 3 * 3600)
    append(events, tried(ts=time.strftime("%Y-%m-%dT%H:%M:%S.000Z", then), writer="w", seq=1))
    with exporter_of(events) as url:
        result = check_without_proxy(events, url)["counting/end to end"]
    assert (result.verdict, result.message) == ("OK", "counted: try-provider from 3 hours ago")


def test_counts_that_are_not_exact_are_reported_with_the_reason(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    append(events, tried(writer="w", seq=1), tried(writer="w", seq=4))
    with exporter_of(events) as url:
        result = check_without_proxy(events, url)["counting/exact"]
    assert result.verdict == "NEEDS_TUNING"
    assert result.message == "not known to be exact; events missing: 2"


SAMPLES = """\
cr_exporter_exact 1.0
cr_exporter_checkpoint_failing {failing}
cr_exporter_bytes_behind 300.0
coderouter_last_event_timestamp_seconds 1.0
cr_exporter_source_readable{{path="{path}"}} {readable}
"""
NOT_READY = whole(b"not ready: still catching up\n", status=503)


@pytest.mark.parametrize(
    ("failing", "readable", "check", "message"),
    [
        (2, 1, "state", "2 commits in a row have failed"),
        (0, 0, "event file", "it cannot read "),
        (0, 1, "state", "not ready: still catching up; 300 bytes of events not counted yet"),
        (0, 1, "end to end", "not counted yet: "),
    ],
)
def test_the_metrics_of_an_exporter_show_its_problems(
    failing: int, readable: int, check: str, message: str, pipeline: Pipeline, upstream_server: Upstream
) -> None:
    text = SAMPLES.format(failing=failing, readable=readable, path=pipeline.proxy.events_path)
    upstream_server.provider("ill").plays(NOT_READY, whole(text.encode()))
    found = pipeline.check(exporter_url=url_of(upstream_server, "ill"))
    result = found[f"counting/{check}"]
    assert result.verdict == "NEEDS_TUNING"
    assert result.message.startswith(message)
    assert found.code == 2


def test_a_file_that_keeps_the_counts_from_being_exact_is_reported_with_the_reason(
    pipeline: Pipeline, upstream_server: Upstream
) -> None:
    metrics = (
        "cr_exporter_exact 0.0\n"
        'cr_exporter_doubts{reason="file_unreadable"} 1.0\n'
        'cr_exporter_doubts{reason="events_missing"} 0.0\n'
        'cr_exporter_source_problem{path="/log/events.jsonl.1",reason="permission denied"} 1.0\n'
    )
    upstream_server.provider("ill").plays(NOT_READY, whole(metrics.encode()))
    result = pipeline.check(exporter_url=url_of(upstream_server, "ill"))["counting/exact"]
    problem = "/log/events.jsonl.1: permission denied"
    assert result.message == f"not known to be exact; file unreadable: 1, {problem}"


def test_an_exporter_that_is_recovering_is_reported_only_as_not_ready(
    pipeline: Pipeline, upstream_server: Upstream
) -> None:
    upstream_server.provider("ill").plays(always=NOT_READY)
    found = pipeline.check(exporter_url=url_of(upstream_server, "ill"))
    skipped = {f"counting/{check}": "SKIP" for check in ("event file", "exact", "end to end")}
    assert found.unhealthy == {"counting/state": "NEEDS_TUNING", **skipped}
