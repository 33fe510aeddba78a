"""Durations begin when the whole request is read: a client that uploads slowly is not the proxy's doing."""

import pytest

from coderouter_events.events import RequestFinished
from coderouter_proxy.ingress import exchange
from support.proxy.in_process import BODY, answer

UPLOAD_S = 3.0

PROVIDERS_YAML = """\
providers: [{name: echo, kind: echo}]
profiles: [{name: default, providers: [echo]}]
"""


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def perf_counter(self) -> float:
        return self.now_s


def test_an_upload_is_in_no_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(exchange, "time", clock)

    async def upload() -> bytes:
        clock.now_s += UPLOAD_S
        return BODY

    answered = answer(PROVIDERS_YAML, upload)

    finished = answered.events[-1]
    assert isinstance(finished, RequestFinished)
    assert finished.outcome == "ok"
    assert (finished.duration_s, finished.overhead_s) == (0.0, 0.0)
