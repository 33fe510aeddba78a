"""The number of series of a family is bounded, and what is beyond the bound is counted in events."""

import pytest

from coderouter_exporter.families import proxy
from coderouter_exporter.families.kinds import Counter, Profiles, Providers
from coderouter_exporter.families.table import COUNTERS
from coderouter_exporter.state.cardinality import OTHER
from coderouter_exporter.state.state import State
from exporter.fold.events import Samples, folded, shown
from support.exporter.process import line, tried

NAMED = [
    family
    for family in COUNTERS
    if any(isinstance(values, (Providers, Profiles)) for values in family.preset)
]
MANY = [f"p{number}" for number in range(50)]


def state_of(series_max: int) -> State:
    return State(created_ts=1.0, series_max=series_max)


def series(samples: Samples, name: str) -> list[tuple[str, ...]]:
    return [labels for sample, labels in samples if sample == name]


def overflow(samples: Samples) -> dict[str, float]:
    return {
        labels[0]: value
        for (name, labels), value in samples.items()
        if name == "cr_exporter_label_overflow_total"
    }


@pytest.mark.parametrize("series_max", [1, 10, 20, 21, 1000])
@pytest.mark.parametrize("family", NAMED, ids=lambda family: family.name)
def test_names_of_a_startup_make_no_more_series_than_allowed(family: Counter, series_max: int) -> None:
    catalog = [{"name": name, "monthly_budget_usd": 1.0} for name in MANY]
    state = state_of(series_max)
    samples = shown(
        folded(line("coderouter-startup", providers=MANY, profiles=MANY, catalog=catalog), state=state)
    )
    assert 0 < len(series(samples, family.name)) <= series_max
    for gauge in (
        "coderouter_provider_cooldown",
        "coderouter_budget_limit_usd",
        "coderouter_budget_used_usd",
    ):
        assert 0 < len(series(samples, gauge)) <= series_max


def test_configured_names_hold_their_places_and_others_get_what_is_left() -> None:
    names = MANY[:3]
    attempts = proxy.PROVIDER_ATTEMPTS.name
    state = folded(line("coderouter-startup", providers=names), state=state_of(4))
    samples = shown(folded(tried("x"), tried("y"), tried("p0"), tried("y"), state=state))
    assert {labels: value for (name, labels), value in samples.items() if name == attempts} == {
        ("p0",): 1, ("p1",): 0, ("p2",): 0, ("x",): 1, (OTHER,): 2,
    }  # fmt: skip
    assert overflow(samples) == {attempts: 2}


def test_a_series_that_was_counted_keeps_its_place_when_the_configuration_changes() -> None:
    attempts = proxy.PROVIDER_ATTEMPTS.name
    state = folded(tried("x"), tried("y"), line("coderouter-startup", providers=MANY), state=state_of(3))
    assert series(shown(state), attempts) == [("p0",), ("x",), ("y",)]


def test_the_overflow_is_the_number_of_events_whatever_they_add() -> None:
    used = {"model": "m", "outcome": "ok", "input_tokens": 7000, "output_tokens": 900, "cost_usd": 1.5}
    state = folded(
        *(line("request-finished", provider=f"p{number}", **used) for number in range(5)),
        *(line("tool-call-repaired", provider=f"p{number}", count=9) for number in range(5)),
        state=state_of(4),
    )
    samples = shown(state)
    assert samples["coderouter_cost_usd_total", (OTHER, OTHER)] == 1.5
    found = overflow(samples)
    assert found["coderouter_cost_usd_total"] == 1
    assert found["coderouter_tokens_total"] == 6
    assert found["coderouter_tool_calls_repaired_total"] == 1


def test_an_event_with_several_new_names_overflows_once() -> None:
    def applied(*filters: str) -> bytes:
        return line("output-filter-applied", filters=list(filters))

    state = folded(
        applied("a", "b"), applied("c", "d", "d"), applied("a", "e"), applied("a"), state=state_of(2)
    )
    samples = shown(state)
    assert samples["coderouter_output_filter_applied_total", (OTHER,)] == 4
    assert overflow(samples) == {"coderouter_output_filter_applied_total": 2}


def test_nothing_overflows_below_the_bound() -> None:
    assert overflow(shown(folded(*(tried(name) for name in MANY), state=state_of(50)))) == {}


@pytest.mark.parametrize("series_max", range(1, 25))
def test_any_bound_works_and_no_total_is_lost(series_max: int) -> None:
    lines = [line(msg, provider=name, seconds=1, error_type="auth") for name in MANY for msg in (
        "try-provider", "provider-failed", "provider-cooldown", "skip-paid-provider", "provider-ok",
    )]  # fmt: skip
    state = folded(*lines, state=state_of(series_max))
    for family in (proxy.PROVIDER_ATTEMPTS, proxy.PROVIDER_OUTCOMES, proxy.COOLDOWNS):
        totals = state.totals(family)
        assert sum(totals.values()) in (50, 100)
        assert len(totals) <= series_max + 1
