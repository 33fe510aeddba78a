"""Two providers side by side: each measure with its interval, and which one is better if that is clear."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from coderouter_exporter.terminal import words
from coderouter_exporter.terminal.analysis import statistics
from coderouter_exporter.terminal.analysis.observed import Observed
from coderouter_exporter.terminal.analysis.statistics import Estimate

STOP_REASONS_MAX = 6
Better = Literal["higher", "lower", "neither"]
UNCLEAR, DIFFERS, TOO_FEW = "unclear", "differs", "too few"
Write = Callable[[float], str]
Estimated = tuple[Estimate | None, int]
"""The estimate, or None with too few observations; and their number."""


@dataclass(frozen=True)
class Measure:
    name: str
    better: Better
    write: Write
    estimate: Callable[[Observed], Estimated]

    def write_range(self, found: Estimate) -> str:
        """Return the range, with its unit once if both bounds have the same."""
        low, high = self.write(found.low), self.write(found.high)
        if low.startswith("$"):
            high = high.removeprefix("$")
        number, _, unit = low.partition(" ")
        return f"[{number if unit and high.endswith(f' {unit}') else low}-{high}]"


@dataclass(frozen=True)
class Compared:
    """A measure of two providers, by their names."""

    measure: Measure
    of: dict[str, Estimated]

    @property
    def verdict(self) -> str:
        """The name of the provider that is clearly better, or `UNCLEAR`, `DIFFERS` or `TOO_FEW`."""
        (first, (one, _)), (second, (other, _)) = self.of.items()
        if one is None or other is None:
            return TOO_FEW
        found = statistics.difference(other, one)
        if found.low <= 0 <= found.high:
            return UNCLEAR
        if self.measure.better == "neither":
            return DIFFERS
        return second if (found.value > 0) == (self.measure.better == "higher") else first

    def as_json(self) -> dict[str, Any]:
        providers = {
            name: asdict(found) if found else {"value": None, "low": None, "high": None, "count": count}
            for name, (found, count) in self.of.items()
        }
        verdict = self.verdict
        better = verdict if verdict in self.of else None
        return {
            "measure": self.measure.name,
            "providers": providers,
            "better": better,
            "verdict": "clear" if better else verdict,
        }


def compare(providers: dict[str, Observed]) -> Iterator[Compared]:
    """Yield each measure of the two providers."""
    stop_reasons = sum((each.stop_reasons for each in providers.values()), Counter[str]())
    shares = (_share_of(reason) for reason, _ in stop_reasons.most_common(STOP_REASONS_MAX))
    for measure in (*_MEASURES, *shares):
        yield Compared(measure, {name: measure.estimate(each) for name, each in providers.items()})


def _success(each: Observed) -> Estimated:
    return statistics.share(each.ok, len(each.tries)), len(each.tries)


def _median(read: Callable[[Observed], list[float]]) -> Callable[[Observed], Estimated]:
    return lambda each: (statistics.median(read(each)), len(read(each)))


def _cost(each: Observed) -> Estimated:
    return statistics.mean(each.cost_usd), len(each.cost_usd)


def _cost_of_tokens(each: Observed) -> Estimated:
    costs = [usd * 1000 for usd, _ in each.cost_per_answer]
    return statistics.ratio(costs, [tokens for _, tokens in each.cost_per_answer]), len(costs)


def _share_of(reason: str) -> Measure:
    def estimate(each: Observed) -> Estimated:
        return statistics.share(each.stop_reasons[reason], each.answers), each.answers

    return Measure(f"stop: {reason}", "neither", words.percent, estimate)


_MEASURES = (
    Measure("success of tries", "higher", words.percent, _success),
    Measure("first token", "lower", words.seconds, _median(lambda each: each.first_token_s)),
    Measure("tokens/s", "higher", lambda value: f"{value:.3g}", _median(lambda each: each.tokens_per_s)),
    Measure("cost per answer", "lower", words.dollars, _cost),
    Measure("cost per 1,000 out", "lower", words.dollars, _cost_of_tokens),
    Measure("prompt tokens", "neither", words.compact, _median(lambda each: each.prompt_tokens)),
)
