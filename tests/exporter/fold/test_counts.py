"""Counters and histograms agree with a naive count of the same events, one by one."""

import random
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.utils import floatToGoString

from coderouter_events.events import EVENTS
from coderouter_exporter.families.table import HISTOGRAMS
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.view import View
from coderouter_exporter.state.cardinality import OTHER
from coderouter_exporter.state.state import State
from exporter.fold.events import Samples, folded, shown
from support.exporter.process import line

Event = dict[str, Any]

SECONDS = st.one_of(
    st.none(),
    st.integers(0, 700_000_000).map(lambda us: us / 1_000_000),
    st.sampled_from((0.01, 0.0025, 600.0)),
)
TOKENS = st.one_of(st.none(), st.integers(0, 200_000))
FINISHED = st.fixed_dictionaries(
    {
        "request_id": st.integers(0, 9).map(lambda number: f"req_{number}"),
        "ingress": st.sampled_from(("openai", "anthropic", "responses")),
        "profile": st.sampled_from((None, "default", "coding")),
        "stream": st.booleans(),
        "outcome": st.sampled_from(
            ("ok", "client_error", "exhausted", "blocked", "midstream", "client_gone", "x")
        ),
        "provider": st.sampled_from((None, "local", "cloud")),
        "model": st.sampled_from((None, "small", "large")),
        "attempts": st.one_of(st.none(), st.integers(0, 12)),
        "duration_s": SECONDS,
        "ttft_s": SECONDS,
        "overhead_s": SECONDS,
        "input_tokens": TOKENS,
        "output_tokens": TOKENS,
        "cache_read_tokens": TOKENS,
        "cache_creation_tokens": TOKENS,
        "cost_usd": st.one_of(st.none(), st.integers(0, 5_000_000).map(lambda micro: micro / 1_000_000)),
        "cache_savings_usd": SECONDS,
        "stop_reason": st.sampled_from((None, "stop", "end_turn", "max_tokens", "tool_use", "refusal", "?")),
        "error_type": st.sampled_from((None, "timeout_idle", "connect")),
        "agent": st.sampled_from(("codex", "other", "a-later-one")),
        "request_class": st.sampled_from((None, "main", "a-later-one")),
        "tool_calls": st.one_of(st.none(), st.integers(0, 3)),
        "had_tools": st.one_of(st.none(), st.booleans()),
    }
)
REASONS = {
    "stop": "stop",
    "end_turn": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
DIRECTIONS = ("input", "output", "cache_read", "cache_creation")


def finished(**fields: object) -> bytes:
    return line("request-finished", **fields)


def micro(seconds: float) -> Fraction:
    return Fraction(round(seconds * 1_000_000), 1_000_000)


def naively_counted(events: list[Event]) -> Iterator[tuple[str, tuple[str, ...], Fraction]]:
    """Yield what the events add: family, label values in the order of their labels' names, number."""
    for event in events:
        profile, provider, model = (event[name] or "" for name in ("profile", "provider", "model"))
        outcome = "other" if event["outcome"] == "x" else event["outcome"]
        ok, streamed = outcome == "ok", event["ttft_s"] is not None
        yield "coderouter_client_requests_total", (event["ingress"], outcome, profile), Fraction(1)
        yield "coderouter_agent_requests_total", (_agent(event), _request_class(event)), Fraction(1)
        if ok and event["had_tools"] and event["tool_calls"] is not None:
            result = "called" if event["tool_calls"] else "silent"
            yield "coderouter_tool_answers_total", (provider, result), Fraction(1)
        if (event["attempts"] or 0) > 1:
            yield "coderouter_fallbacks_total", (profile,), Fraction(1)
        if streamed and ok:
            yield (
                "coderouter_stream_ends_total",
                (provider, REASONS.get(event["stop_reason"], "other")),
                Fraction(1),
            )
        if streamed and outcome == "client_gone":
            yield "coderouter_stream_ends_total", (provider, "client_gone"), Fraction(1)
        if streamed and outcome == "midstream":
            reason = "idle_timeout" if event["error_type"] == "timeout_idle" else "error"
            yield "coderouter_stream_ends_total", (provider, reason), Fraction(1)
        for direction in DIRECTIONS:
            tokens = event[f"{direction}_tokens"]
            if tokens:
                yield "coderouter_tokens_total", (direction, model, provider), Fraction(tokens)
        if event["cost_usd"]:
            yield "coderouter_cost_usd_total", (model, provider), micro(event["cost_usd"])
        if ok:
            yield "coderouter_cache_observed_total", (_cache_outcome(event), provider), Fraction(1)
        if event["cache_savings_usd"]:
            yield "coderouter_cost_savings_usd_total", (provider,), micro(event["cache_savings_usd"])
        if ok and event["cost_usd"] is None:
            yield "coderouter_unpriced_requests_total", (model, provider), Fraction(1)
        if ok and event["output_tokens"] is None:
            yield "coderouter_usage_missing_total", (provider,), Fraction(1)


def _agent(event: Event) -> str:
    return "codex" if event["agent"] == "codex" else "other"


def _request_class(event: Event) -> str:
    return {None: "unreported", "main": "main"}.get(event["request_class"], "other")


def _cache_outcome(event: Event) -> str:
    if event["output_tokens"] is None:
        return "unknown"
    if event["cache_read_tokens"]:
        return "cache_hit"
    return "cache_creation" if event["cache_creation_tokens"] else "no_cache"


def naively_observed(events: list[Event]) -> Iterator[tuple[str, tuple[str, ...], Fraction]]:
    """Yield each observation of a histogram."""
    for event in events:
        profile, provider = event["profile"] or "", event["provider"] or ""
        duration_s, ttft_s, tokens = event["duration_s"], event["ttft_s"], event["output_tokens"]
        if event["attempts"] is not None:
            yield "coderouter_attempts_per_request", (profile,), Fraction(event["attempts"])
        if duration_s is not None:
            yield "coderouter_client_request_duration_seconds", (event["ingress"], profile), micro(duration_s)
        if ttft_s is not None:
            yield "coderouter_time_to_first_token_seconds", (provider,), micro(ttft_s)
        if event["input_tokens"] is not None:
            prompt = sum(
                event[f"{direction}_tokens"] or 0 for direction in ("input", "cache_read", "cache_creation")
            )
            yield "coderouter_request_input_tokens", (provider,), Fraction(prompt)
        if tokens is not None:
            yield "coderouter_request_output_tokens", (provider,), Fraction(tokens)
        if event["overhead_s"] is not None:
            yield "coderouter_proxy_overhead_seconds", (event["ingress"],), micro(event["overhead_s"])
        if event["outcome"] == "ok" and duration_s is not None and ttft_s is not None and tokens is not None:
            yield from _per_output_token(provider, duration_s, ttft_s, tokens)


def _per_output_token(
    provider: str, duration_s: float, ttft_s: float, tokens: int
) -> Iterator[tuple[str, tuple[str, ...], Fraction]]:
    if tokens > 1 and ttft_s <= duration_s:
        rest_us = (micro(duration_s) - micro(ttft_s)) * 1_000_000
        per_token = Fraction(int(rest_us) // (tokens - 1), 1_000_000)
        yield "coderouter_time_per_output_token_seconds", (provider,), per_token


@settings(deadline=None, max_examples=60)
@given(st.lists(FINISHED, max_size=30), st.data())
def test_counters_and_histograms_agree_with_a_naive_count(events: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(events)))
    first = folded(*(finished(**event) for event in events[:cut]))
    state = State.decode(folded(*(finished(**event) for event in events[cut:]), state=first).encode())
    text = shown(state)
    expected: dict[tuple[str, tuple[str, ...]], Fraction] = {}
    for name, labels, number in naively_counted(events):
        expected[name, labels] = expected.get((name, labels), Fraction()) + number
    for key, total in expected.items():
        assert text[key] == float(total), key
    of_requests = {name for name, _ in expected}
    assert {key for key, value in text.items() if key[0] in of_requests and value} == expected.keys()
    _assert_observed(text, list(naively_observed(events)))


def _assert_observed(text: Samples, observations: list[tuple[str, tuple[str, ...], Fraction]]) -> None:
    series = Counter((name, labels) for name, labels, _ in observations)
    assert {key for key in text if key[0].endswith("_count")} == {
        (f"{name}_count", labels) for name, labels in series
    }
    for histogram in HISTOGRAMS:
        for name, labels in series:
            if name != histogram.name:
                continue
            numbers = [number for *key, number in observations if key == [name, labels]]
            assert text[f"{name}_count", labels] == len(numbers)
            assert text[f"{name}_sum", labels] == float(sum(numbers))
            for bound in (*histogram.buckets, float("inf")):
                at = tuple(
                    value
                    for _, value in sorted(zip((*histogram.labels, "le"), (*labels, _le(bound)), strict=True))
                )
                within = sum(number <= Fraction(str(bound)) if bound < 1e9 else True for number in numbers)
                assert text[f"{name}_bucket", at] == within, (name, labels, bound)


def _le(bound: float) -> str:
    return str(floatToGoString(bound))  # type: ignore[no-untyped-call]


def test_sums_do_not_depend_on_the_order_of_the_events() -> None:
    """Floats would: 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1."""
    chance = random.Random(3)
    events = [
        finished(
            ingress="openai",
            provider="p",
            duration_s=round(chance.uniform(0, 700), 6),
            cost_usd=round(chance.random(), 6),
        )
        for _ in range(500)
    ]
    texts = set()
    for _ in range(5):
        chance.shuffle(events)
        state = State(created_ts=1.0)
        for start in range(0, len(events), 50):
            folded(*events[start : start + 50], state=state)
        texts.add(render(View(state=state, now_ts=0.0), Format.TEXT))
    assert len(texts) == 1


@pytest.mark.parametrize("seconds", [-1.0, 1e18, 10**30])
def test_a_nonsensical_number_counts_as_missing(seconds: float) -> None:
    state = folded(
        finished(
            ingress="openai",
            outcome="ok",
            provider="p",
            duration_s=seconds,
            output_tokens=-5,
            cost_usd=seconds,
        ),
        finished(ingress="openai", outcome="ok", provider="p", duration_s=2.0, output_tokens=7, cost_usd=0.5),
    )
    text = shown(State.decode(state.encode()))
    assert text["coderouter_client_request_duration_seconds_sum", ("openai", "")] == 2.0
    assert text["coderouter_tokens_total", ("output", "", "p")] == 7
    assert text["coderouter_usage_missing_total", ("p",)] == 1
    assert text["coderouter_cost_usd_total", ("", "p")] == 0.5
    assert text["coderouter_unpriced_requests_total", ("", "p")] == 1


def test_a_number_of_another_type_counts_as_missing_and_the_rest_of_its_line_counts() -> None:
    text = shown(
        folded(finished(ingress="openai", outcome="ok", provider="p", output_tokens="many", duration_s=1))
    )
    assert text["coderouter_usage_missing_total", ("p",)] == 1
    assert text["coderouter_client_request_duration_seconds_count", ("openai", "")] == 1


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"msg": "provider-ok", "duration_s": 1.0}, ("coderouter_provider_duration_seconds_count", ("p",))),
        (
            {"msg": "provider-failed", "error_type": "auth"},
            ("coderouter_provider_errors_total", ("auth", "p")),
        ),
        (
            {"msg": "provider-failed-midstream", "error_type": "timeout_idle"},
            ("coderouter_provider_errors_total", ("timeout_idle", "p")),
        ),
        (
            {"msg": "provider-failed", "error_type": "gremlins"},
            ("coderouter_provider_errors_total", ("other", "p")),
        ),
        ({"msg": "tool-call-repaired", "count": 1}, ("coderouter_tool_calls_repaired_total", ("p",))),
        (
            {"msg": "auto-router-resolved", "rule_id": "r", "resolved_profile": "x"},
            ("coderouter_auto_router_resolved_total", ("x", "r")),
        ),
        ({"msg": "provider-cooldown", "seconds": 60}, ("coderouter_provider_cooldowns_total", ("p",))),
        ({"msg": "coderouter-startup"}, ("coderouter_starts_total", ())),
    ],
    ids=lambda value: value["msg"] if isinstance(value, dict) else "",
)
def test_other_events_count_once_each(fields: Event, key: tuple[str, tuple[str, ...]]) -> None:
    name = str(fields.pop("msg"))
    assert shown(folded(line(name, provider="p", **fields)))[key] == 1
    fields["msg"] = name


def test_repaired_tool_calls_add_up() -> None:
    state = folded(*(line("tool-call-repaired", provider="p", count=count) for count in (2, 3)))
    assert shown(state)["coderouter_tool_calls_repaired_total", ("p",)] == 5


def test_the_series_of_a_histogram_are_bounded() -> None:
    state = State(created_ts=1.0, series_max=2)
    folded(*(line("provider-ok", provider=f"p{number}", duration_s=1.0) for number in range(5)), state=state)
    text = shown(state)
    assert text["coderouter_provider_duration_seconds_count", (OTHER,)] == 3
    assert text["coderouter_provider_duration_seconds_count", ("p0",)] == 1
    assert text["cr_exporter_label_overflow_total", ("coderouter_provider_duration_seconds",)] == 3


@pytest.mark.parametrize("series_max", [1, 2, 3, 15, 20, 21, 40])
def test_with_any_bound_on_series_every_event_is_counted(series_max: int) -> None:
    events = (
        line(
            event.msg,
            provider=f"p{n}",
            profile=f"x{n}",
            writer="w",
            seq=n,
            duration_s=0.1,
            error_type="other",
        )
        for n, event in enumerate(EVENTS * 3, start=1)
    )
    text = shown(folded(*events, state=State(created_ts=1.0, series_max=series_max)))
    for event in EVENTS:
        assert text["cr_exporter_events_total", (event.msg,)] == 3
    assert text["cr_exporter_lines_total", ("event",)] == 3 * len(EVENTS)
    assert text["coderouter_requests_total", ()] == 3


def test_providers_and_profiles_of_the_configuration_are_served_at_0() -> None:
    state = folded(line("coderouter-startup", providers=["p"], profiles=["x"]))
    text = shown(state)
    for key in (
        ("coderouter_client_requests_total", ("anthropic", "exhausted", "x")),
        ("coderouter_fallbacks_total", ("x",)),
        ("coderouter_provider_errors_total", ("timeout_first_byte", "p")),
        ("coderouter_usage_missing_total", ("p",)),
        ("coderouter_tool_calls_repaired_total", ("p",)),
        ("coderouter_provider_cooldowns_total", ("p",)),
        ("coderouter_provider_cooldown", ("p",)),
    ):
        assert text[key] == 0
