"""Events of CodeRouter 2.x: what of them counts where, and that nothing counts twice."""

from itertools import count
from typing import Any

import pytest

from coderouter_exporter.families.caches import CACHE_OBSERVED
from coderouter_exporter.families.proxy import COST, FALLBACKS, TOKENS, UNPRICED, USAGE_MISSING
from coderouter_exporter.render.report import report
from coderouter_exporter.state.cardinality import SERIES_MAX
from coderouter_exporter.state.state import State
from exporter.fold.events import folded, shown, view
from support.exporter.process import line, tried

FROM_OURS: dict[str, Any] = {"writer": "w", "seq": 1}


def observed(outcome: str = "no_cache", **fields: object) -> bytes:
    tokens = {"input_tokens": 10, "output_tokens": 3, "cache_read_input_tokens": 0}
    numbers = tokens | {"cache_creation_input_tokens": 0, "cost_usd": 0.0, "cost_savings_usd": 0.0}
    return line("cache-observed", provider="p", outcome=outcome, streaming=False, **(numbers | fields))


def hops(*steps: tuple[str, str | None]) -> list[bytes]:
    """Return the lines of one request: of each provider whether it `failed` or was `skipped`, and the next one."""
    return [
        line(
            "fallback-occurred",
            from_provider="a",
            to_provider=to_provider,
            reason="upstream-5xx",
            profile="coding",
            pre_attempt=what == "skipped",
            hop_index=index,
        )
        for index, (what, to_provider) in enumerate(steps)
    ]


@pytest.mark.parametrize(
    ("steps", "requests"),
    [
        ([("failed", "b")], 1),
        ([("failed", "b"), ("failed", "c"), ("failed", "d")], 1),
        ([("failed", "b"), ("failed", None)], 1),
        ([("skipped", "b")], 0),
        ([("skipped", "b"), ("skipped", "c"), ("failed", "d"), ("failed", "e")], 1),
        ([("failed", None)], 0),
        ([("skipped", "b"), ("failed", None)], 0),
        ([("skipped", None)], 0),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_request_counts_once_if_it_was_tried_again(
    steps: list[tuple[str, str | None]], requests: int, at_once: bool
) -> None:
    lines = [*hops(*steps), *hops(*steps)]
    state = State(created_ts=1.0)
    for part in [lines] if at_once else [[each] for each in lines]:
        folded(*part, state=state)
    assert sum(state.totals(FALLBACKS).values()) == 2 * requests
    assert shown(state)["coderouter_fallback_occurred_total", ("a", "upstream-5xx")] == 2 * len(steps)


def test_our_own_request_with_fallbacks_beside_theirs_counts_as_well() -> None:
    ours = line("request-finished", profile="coding", attempts=2, outcome="ok", **FROM_OURS)
    state = folded(*hops(("failed", "b")), ours)
    assert state.totals(FALLBACKS) == {("coding",): 2}


def test_tokens_and_cost_count_in_our_families_without_a_model() -> None:
    state = folded(
        observed(cost_usd=0.25),
        observed("cache_hit", cache_read_input_tokens=7, cost_usd=0.5, cost_savings_usd=0.000_000_4),
        observed("cache_creation", cache_creation_input_tokens=5, cost_usd=0.25),
    )
    tokens = {direction: number for (_, _, direction), number in state.totals(TOKENS).items()}
    assert tokens == {"input": 30, "output": 9, "cache_read": 7, "cache_creation": 5}
    assert state.totals(COST) == {("p", ""): 1_000_000}
    assert shown(state)["coderouter_cost_savings_usd_total", ("p",)] == 0.000_000_4
    assert state.totals(UNPRICED) == {}


def test_a_cost_of_0_is_a_missing_price_and_no_series() -> None:
    state = folded(observed(), observed(cost_usd=0.000_000_2))
    assert state.totals(UNPRICED) == {("p", ""): 1}
    assert state.totals(COST) == {}


def test_usage_that_was_not_reported_is_missing() -> None:
    state = folded(observed("unknown", input_tokens=0, output_tokens=0), observed("not known to us"))
    assert state.totals(USAGE_MISSING) == {("p",): 1}
    assert state.totals(CACHE_OBSERVED) == {("p", "unknown"): 1, ("p", "other"): 1}


def test_values_of_the_newest_event_are_shown() -> None:
    warnings = [line("context-budget-warning", profile="coding", usage_ratio=ratio) for ratio in (0.9, 1.5)]
    probes = [
        line("probe-completed", provider="p", success=ok, latency_ms=ms)
        for ok, ms in ((True, 9.5), (False, 0.5))
    ]
    found = shown(folded(*warnings, *probes))
    assert found["coderouter_context_budget_usage_ratio", ("coding",)] == 1.5
    assert found["coderouter_probe_latency_ms", ("p",)] == 0.5
    assert found["coderouter_probe_outcomes_total", ("success", "p")] == 1
    assert found["coderouter_probe_outcomes_total", ("failure", "p")] == 1


def test_newest_values_have_a_bound() -> None:
    names = count()
    lines = [
        line("probe-completed", provider=f"p{next(names)}", latency_ms=1.0) for _ in range(SERIES_MAX + 9)
    ]
    [newest] = folded(*lines).newest_values.values()
    assert len(newest) == SERIES_MAX


def test_a_line_beside_defective_ones_has_its_fields() -> None:
    torn = tried()[:40]
    state = folded(
        b"not JSON\n", torn + observed(cost_usd=0.5), observed(cost_usd="much"), b"\0\0" + observed()
    )
    assert state.totals(COST) == {("p", ""): 500_000}
    assert sum(state.totals(CACHE_OBSERVED).values()) == 3


def test_a_duplicate_line_counts_once() -> None:
    state = folded(*[observed(cost_usd=0.5, **FROM_OURS)] * 2, tried(writer="w", seq=2))
    assert state.totals(COST) == {("p", ""): 500_000}


def test_the_json_says_how_often_the_cache_helped() -> None:
    state = folded(observed("cache_hit"), observed(), observed(), observed("unknown"), tried("p"), tried("q"))
    rows = {row["name"]: row["cache"] for row in report(view(state))["providers"]}  # type: ignore[attr-defined]
    assert (rows["p"]["hit_rate"], rows["p"]["observations"]) == (0.3333, 4)
    assert (rows["q"]["hit_rate"], rows["q"]["observations"]) == (None, 0)
