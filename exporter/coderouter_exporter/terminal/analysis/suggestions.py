"""Changes of providers.yaml that the requests speak for, each with its evidence.

A suggestion requires enough observations, and a difference that is larger than its uncertainty; many are looked for at
once, so each bound holds with 99.9 %.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from coderouter_exporter.terminal import words
from coderouter_exporter.terminal.analysis import statistics
from coderouter_exporter.terminal.analysis.observed import Observed, Try
from coderouter_exporter.terminal.analysis.statistics import Z_999, Estimate

PROMPT_TOKENS = (
    4_000,
    8_000,
    12_000,
    16_000,
    20_000,
    30_000,
    40_000,
    60_000,
    80_000,
    100_000,
    150_000,
    200_000,
)
LONG_FAILS_MIN = 0.1
"""How much more often long requests have to fail than short ones, at least."""
REFUSED_MIN = 5
WORSE_SUCCESS_MAX = 0.02
"""How much less often an unpaid provider may succeed than the paid one that it is to precede."""
REPAIRED_MIN = 0.05
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_WORDS_OF_YAML = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


@dataclass(frozen=True)
class Setup:
    """The relevant part of the configuration."""

    profiles: Mapping[str, Sequence[str]]
    """The providers of each profile, in order."""
    paid: frozenset[str]


@dataclass(frozen=True)
class Suggestion:
    rule: str
    title: str
    evidence: Sequence[str]
    change: str
    """What to add to providers.yaml; lines that begin with # say what else there is to do."""


def suggest(found: Mapping[str, Observed], setup: Setup) -> list[Suggestion]:
    """Return what the evidence is clear about."""
    return [each for rule in _RULES for each in rule(found, setup)]


def long_prompts(found: Mapping[str, Observed], setup: Setup) -> Iterator[Suggestion]:
    for name, observed in found.items():
        known = [each for each in observed.tries if each.prompt_tokens is not None]
        best: tuple[float, int, Estimate, Estimate] | None = None
        for limit in PROMPT_TOKENS:
            over = [each for each in known if (each.prompt_tokens or 0) > limit]
            above = _failures(over)
            below = _failures([each for each in known if (each.prompt_tokens or 0) <= limit])
            if above is None or below is None:
                continue
            margin = above.low - below.high
            if margin > LONG_FAILS_MIN and (best is None or margin > best[0]):
                best = margin, limit, above, below
        if best is None:
            continue
        _, limit, above, below = best
        failed = [each for each in known if not each.ok and (each.prompt_tokens or 0) > limit]
        yield Suggestion(
            "long-prompts",
            f"{name} fails on long requests: let those over {limit:,} tokens skip it",
            [
                f"over {limit:,} prompt tokens, {_of(above)} tries failed; up to that, {_of(below)}",
                f"most often with: {_commonest(failed)}",
            ],
            f"providers:\n  - name: {_name(name)}\n    capabilities:\n      max_context_tokens: {limit}\n",
        )


def better_order(found: Mapping[str, Observed], setup: Setup) -> Iterator[Suggestion]:
    def costs_more(first: str, second: str) -> bool:
        return second in setup.paid and first not in setup.paid

    for profile, chain in setup.profiles.items():
        order = list(chain)
        evidence = []
        for at, (first, second) in enumerate(pairwise(chain)):
            if order[at] != first or costs_more(first, second) or not _is_worse(found, first, second):
                continue
            order[at], order[at + 1] = second, first
            one, other = found[first], found[second]
            evidence.append(
                f"{_of(_successes(one))} tries of {first} succeeded, of {second} {_of(_successes(other))}; "
                f"the first token took {_seconds(_first_token(one))} and {_seconds(_first_token(other))}"
            )
        if evidence:
            yield _reordered(
                "order", f"{profile}: a provider comes before a faster and more reliable one",
                evidence, profile, order,
            )  # fmt: skip


def unpaid_first(found: Mapping[str, Observed], setup: Setup) -> Iterator[Suggestion]:
    for profile, chain in setup.profiles.items():
        for at, (first, second) in enumerate(pairwise(chain)):
            if first not in setup.paid or second in setup.paid or not {first, second} <= found.keys():
                continue
            one, other = found[first], found[second]
            paid, unpaid = _successes(one), _successes(other)
            if paid is None or unpaid is None or not one.answers:
                continue
            if statistics.difference(unpaid, paid).low < -WORSE_SUCCESS_MAX:
                continue
            order = [*chain[:at], second, first, *chain[at + 2 :]]
            spent = words.cost(sum(one.cost_usd), one.unknown_cost)
            evidence = [
                f"{first} is paid: {spent} for {words.some(one.answers, 'answer')}",
                f"{_of(unpaid)} tries of {second} succeeded, of {first} {_of(paid)}",
            ]
            if (ours := _first_token(other)) and (theirs := _first_token(one)):
                evidence.append(f"the first token takes {_seconds(ours)} instead of {_seconds(theirs)}")
            yield _reordered(
                "unpaid-first", f"{profile}: {second}, which is not paid, succeeds as often as {first}",
                evidence, profile, order,
            )  # fmt: skip


def refused_keys(found: Mapping[str, Observed], setup: Setup) -> Iterator[Suggestion]:
    for name, observed in found.items():
        refused: list[Try] = []
        for each in reversed(observed.tries):
            if each.error_type != "auth":
                break
            refused.append(each)
        if len(refused) >= REFUSED_MIN:
            yield Suggestion(
                "refused-key",
                f"{name} refuses its key",
                [f"the last {len(refused):,} tries were refused: {_commonest(refused)}"],
                f"# Set the key of {name} where the proxy is started, then start it again.\n"
                f"# To check it: coderouter doctor\n",
            )


def repaired_calls(found: Mapping[str, Observed], setup: Setup) -> Iterator[Suggestion]:
    for name, observed in found.items():
        share = statistics.share(observed.repaired, observed.with_calls, Z_999)
        if share is None or share.low < REPAIRED_MIN:
            continue
        yield Suggestion(
            "repaired-calls",
            f"{name} often writes tool calls as text: remove what is left of them",
            [f"in {_of(share)} answers with tool calls, calls were repaired"],
            f"providers:\n  - name: {_name(name)}\n    output_filters: [strip_tool_call_xml]\n"
            "# Better still: let its server read the calls, e.g. llama-server --jinja, or\n"
            "# vllm serve --enable-auto-tool-choice --tool-call-parser …\n",
        )


_RULES: tuple[Callable[[Mapping[str, Observed], Setup], Iterator[Suggestion]], ...] = (
    refused_keys,
    long_prompts,
    better_order,
    unpaid_first,
    repaired_calls,
)


def _reordered(
    rule: str, title: str, evidence: Sequence[str], profile: str, order: Sequence[str]
) -> Suggestion:
    names = ", ".join(map(_name, order))
    change = f"profiles:\n  - name: {_name(profile)}\n    providers: [{names}]\n"
    return Suggestion(rule, title, evidence, change)


def _is_worse(found: Mapping[str, Observed], first: str, second: str) -> bool:
    if not {first, second} <= found.keys():
        return False
    one, other = _successes(found[first]), _successes(found[second])
    slow, fast = _first_token(found[first]), _first_token(found[second])
    if one is None or other is None or slow is None or fast is None:
        return False
    return statistics.difference(other, one).low > 0 and statistics.difference(slow, fast).low > 0


def _successes(observed: Observed) -> Estimate | None:
    return statistics.share(observed.ok, len(observed.tries), Z_999)


def _failures(tries: Sequence[Try]) -> Estimate | None:
    return statistics.share(sum(not each.ok for each in tries), len(tries), Z_999)


def _first_token(observed: Observed) -> Estimate | None:
    return statistics.median(observed.first_token_s, Z_999)


def _of(share: Estimate | None) -> str:
    """Return the share with its range and the number of observations."""
    if share is None:
        return words.NONE
    low, high = (words.percent(value).removesuffix(" %") for value in (share.low, share.high))
    return f"{words.percent(share.value)} [{low}-{high}] of {share.count:,}"


def _seconds(found: Estimate | None) -> str:
    return words.seconds(found.value if found else None)


def _commonest(tries: Sequence[Try]) -> str:
    errors = Counter(words.error_text({"error_type": each.error_type, "error": each.error}) for each in tries)
    return next((error for error, _ in errors.most_common(1) if error), "an error without a message")


def _name(name: str) -> str:
    """Return the name as YAML."""
    is_plain = _PLAIN_NAME.fullmatch(name) and name.lower() not in _WORDS_OF_YAML
    return name if is_plain else json.dumps(name)
