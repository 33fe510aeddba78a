"""PromQL expressions for panels: every selector has job and instance, and none returns NaN when nothing happens."""

from collections.abc import Callable

WINDOW = "$__rate_interval"

_TARGET = ('job=~"$job"', 'instance=~"$instance"')
_LEAST = "1e-9"  # per second: far below one event in the longest window


def of(metric: str, *matchers: str) -> str:
    """Return the metric of the selected targets."""
    return f"{metric}{{{', '.join((*_TARGET, *matchers))}}}"


def of_providers(metric: str, *matchers: str) -> str:
    """Return the metric of the selected targets and providers."""
    return of(metric, 'provider=~"$provider"', *matchers)


def of_profiles(metric: str, *matchers: str) -> str:
    """Return the metric of the selected targets and profiles."""
    return of(metric, 'profile=~"$profile"', *matchers)


def rate(selected: str, *by: str) -> str:
    """Return how much the counter grows per second, summed by the labels in `by`."""
    return f"{_sum(by)}(rate({selected}[{WINDOW}]))"


def increase(selected: str, *by: str) -> str:
    """Return how much the counter grew between two data points of the graph."""
    return f"{_sum(by)}(increase({selected}[{WINDOW}]))"


def per_hour(selected: str, *by: str) -> str:
    return f"{rate(selected, *by)} * 3600"


def share(part: str, whole: str) -> str:
    """Return part / whole; no value where the whole is 0."""
    return f"{part} / ({whole} > 0)"


def share_or_zero(part: str, whole: str) -> str:
    """Return part / whole of rates; 0 where both are."""
    return f"{part} / clamp_min({whole}, {_LEAST})"


def mean(select: Callable[[str], str], histogram: str, *by: str) -> str:
    """Return the mean of the observations; no value where there are none."""
    return share(rate(select(f"{histogram}_sum"), *by), rate(select(f"{histogram}_count"), *by))


def quantile(fraction: float, buckets: str, *by: str) -> str:
    """Return the quantile of the observations; no value where there are none, as NaN is not >= 0."""
    return f"histogram_quantile({fraction:g}, {rate(buckets, 'le', *by)}) >= 0"


def _sum(by: tuple[str, ...]) -> str:
    return f"sum by ({', '.join(by)}) " if by else "sum"
