"""The exporter logs in the same formats as the proxy, and its requests only if that is wanted."""

import json
from pathlib import Path

import pytest

from support.exporter.process import running_exporter
from support.processes import eventually


@pytest.mark.parametrize("access_log", ["off", "on"])
def test_requests_have_lines_only_with_the_access_log(access_log: str, tmp_path: Path) -> None:
    env = {"CR_EXPORTER_ACCESS_LOG": access_log, "CR_EXPORTER_LOG_FORMAT": "json"}
    with running_exporter(tmp_path / "events.jsonl", state=tmp_path / "exporter.db", **env) as exporter:
        eventually(exporter.is_ready)
        exporter.get("/metrics")
        assert exporter.command.stop() == 0
        lines = [json.loads(line) for line in exporter.command.stderr.splitlines()]
    assert lines[0]["msg"].startswith("serving http://127.0.0.1:")
    assert {"ts", "level", "logger", "msg"} == set(lines[0])
    requests = [line for line in lines if '"GET /metrics HTTP/1.1" 200' in line["msg"]]
    assert len(requests) == (access_log == "on")
