"""The streaming probe finds out whether a long reply arrives complete."""

from pathlib import Path
from typing import Any

import pytest

from support.proxy.doctor import HEALTHY, run_probes
from support.proxy.model import Model
from support.proxy.upstream import Provider


@pytest.mark.parametrize("extra_body", [{"max_tokens": 8192}, {"options": {"num_predict": -1}}])
def test_a_limit_that_only_the_server_can_raise_gets_no_patch(
    extra_body: dict[str, Any], tmp_path: Path, a: Provider
) -> None:
    model = Model(answer_tokens=128, takes_max_tokens=False, takes_options=False)
    found = run_probes(tmp_path, a, model, extra_body=extra_body)
    assert (found.verdicts["streaming"], found.patch("streaming")) == ("NEEDS_TUNING", {})
    assert "num_predict" in found.text("streaming")


@pytest.mark.parametrize(
    ("model", "verdict", "text"),
    [
        (Model(counts_to=37, sends_stop_reason=False), "TRANSPORT_ERROR", "broke off at 37"),
        (Model(counts_to=37), "NEEDS_TUNING", "ends at 37"),
        (Model(counts_to=0), "OK", "did not count"),
    ],
)
def test_a_count_that_does_not_arrive_complete(
    model: Model, verdict: str, text: str, tmp_path: Path, a: Provider
) -> None:
    found = run_probes(tmp_path, a, model)
    assert found.verdicts == HEALTHY | {"streaming": verdict}
    assert text in found.text("streaming")
