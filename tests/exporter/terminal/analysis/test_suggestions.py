"""Suggestions: each rule with evidence that is clear, and none from what may be chance."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from coderouter_exporter.terminal.analysis.observed import Observed, Try
from coderouter_exporter.terminal.analysis.suggestions import Setup, Suggestion, suggest

CHAIN = Setup({"coding": ["one", "two", "three"]}, frozenset({"three"}))
PAID_FIRST = Setup({"coding": ["one", "two"]}, frozenset({"one"}))


def tries(ok: int, failed: int, tokens: int | None = 1000, error_type: str = "upstream_5xx") -> list[Try]:
    good = [Try("2026-11-25T10:00:00Z", True, None, None, tokens)] * ok
    return good + [Try("2026-11-25T11:00:00Z", False, error_type, "no", tokens)] * failed


def observed(attempts: Sequence[Try], *, first_token_s: float = 1.0, **more: Any) -> Observed:
    answers = sum(each.ok for each in attempts)
    spread = [first_token_s * (1 + number % 7 / 10) for number in range(answers)]
    return Observed(tries=list(attempts), answers=answers, first_token_s=spread, **more)


def only(found: Sequence[Suggestion]) -> Suggestion:
    [suggestion] = found
    return suggestion


def test_a_provider_that_fails_on_long_requests_gets_a_limit() -> None:
    provider = observed([*tries(500, 5, 5_000), *tries(120, 80, 50_000)])
    found = only(suggest({"my provider": provider}, Setup({}, frozenset())))
    assert found.rule == "long-prompts"
    [changed] = yaml.safe_load(found.change)["providers"]
    assert changed["name"] == "my provider"
    assert 5_000 <= changed["capabilities"]["max_context_tokens"] < 50_000
    assert "40 % [" in found.evidence[0]
    assert "of 200 tries failed" in found.evidence[0]


@pytest.mark.parametrize(
    "attempts",
    [
        [*tries(500, 5, 5_000), *tries(3, 7, 50_000)],
        [*tries(500, 5, 5_000), *tries(90, 10, 50_000)],
        [*tries(300, 200, 5_000), *tries(120, 80, 50_000)],
        [*tries(500, 5, 5_000), *tries(120, 80, None)],
    ],
    ids=["few", "seldom", "short ones too", "size not known"],
)
def test_a_limit_needs_clear_evidence(attempts: list[Try]) -> None:
    assert suggest({"one": observed(attempts)}, CHAIN) == []


def test_a_faster_and_more_reliable_provider_moves_to_the_front() -> None:
    found = {"one": observed(tries(150, 50), first_token_s=3.0), "two": observed(tries(196, 4))}
    suggestion = only(suggest(found, CHAIN))
    assert suggestion.rule == "order"
    assert yaml.safe_load(suggestion.change) == {
        "profiles": [{"name": "coding", "providers": ["two", "one", "three"]}]
    }


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (observed(tries(150, 50)), observed(tries(196, 4), first_token_s=3.0)),
        (observed(tries(195, 5), first_token_s=3.0), observed(tries(196, 4))),
        (observed(tries(10, 5), first_token_s=3.0), observed(tries(16, 0))),
    ],
    ids=["it is slower", "it is not more reliable", "too few"],
)
def test_the_order_stays_without_clear_evidence(first: Observed, second: Observed) -> None:
    assert suggest({"one": first, "two": second}, CHAIN) == []


def test_a_paid_provider_is_never_moved_before_an_unpaid_one() -> None:
    found = {"two": observed(tries(150, 50), first_token_s=3.0), "three": observed(tries(196, 4))}
    assert suggest(found, CHAIN) == []


def test_an_unpaid_provider_that_succeeds_as_often_moves_before_a_paid_one() -> None:
    found = {"one": observed(tries(990, 10), cost_usd=[0.5] * 990), "two": observed(tries(995, 5))}
    suggestion = only(suggest(found, PAID_FIRST))
    assert suggestion.rule == "unpaid-first"
    assert "one is paid: $495.00 for 990 answers" in suggestion.evidence
    assert yaml.safe_load(suggestion.change)["profiles"][0]["providers"] == ["two", "one"]


@pytest.mark.parametrize(("ok", "failed"), [(930, 70), (40, 0)], ids=["it fails more often", "too few"])
def test_a_paid_provider_stays_first_without_clear_evidence(ok: int, failed: int) -> None:
    found = {"one": observed(tries(990, 10)), "two": observed(tries(ok, failed))}
    assert suggest(found, PAID_FIRST) == []


def test_a_key_that_is_refused_is_to_be_set() -> None:
    found = {"one": observed([*tries(30, 0), *tries(0, 5, error_type="auth")])}
    suggestion = only(suggest(found, CHAIN))
    assert (suggestion.rule, suggestion.evidence) == (
        "refused-key",
        ["the last 5 tries were refused: auth: no"],
    )
    assert yaml.safe_load(suggestion.change) is None


def test_a_key_that_works_again_is_not() -> None:
    refused = tries(0, 9, error_type="auth")
    assert suggest({"one": observed([*refused, *tries(1, 0)])}, CHAIN) == []


@pytest.mark.parametrize(("repaired", "answers", "number"), [(30, 200, 1), (3, 200, 0), (9, 15, 0)])
def test_tool_calls_that_are_often_repaired_get_a_filter(repaired: int, answers: int, number: int) -> None:
    provider = observed(tries(answers, 0), with_calls=answers, repaired=repaired)
    found = suggest({"true": provider}, CHAIN)
    assert len(found) == number
    assert all(
        yaml.safe_load(each.change)["providers"]
        == [{"name": "true", "output_filters": ["strip_tool_call_xml"]}]
        for each in found
    )


def test_chance_alone_suggests_nothing() -> None:
    chance = random.Random(11)
    wrong = 0
    for _ in range(200):
        found = {}
        for name in ("one", "two", "three"):
            attempts = [
                Try("2026-11-25T10:00:00Z", chance.random() < 0.8, "connect", "no", chance.randrange(100_000))
                for _ in range(150)
            ]
            firsts = [chance.lognormvariate(0, 0.5) for _ in range(100)]
            found[name] = Observed(tries=attempts, first_token_s=firsts)
        wrong += len(suggest(found, CHAIN))
    assert wrong == 0
