"""PromQL expressions for panels: every selector has job and instance, and none returns NaN when nothing happens.

What is asked of a histogram is asked twice, of classic buckets and of native ones: Prometheus has either.
"""

from collections.abc import Callable

WINDOW = "$__rate_interval"

Select = Callable[[str], str]
"""Returns the selector of a metric: `of`, `of_providers` or `of_profiles`."""

_TARGET = ('job=~"$job"', 'instance=~"$instance"')
_PROVIDER = 'provider=~"$provider"'
_LEAST = "1e-9"  # per second: far below one event in the longest window


def of(metric: str, *matchers: str) -> str:
    """Return the metric of the selected targets."""
    return f"{metric}{{{', '.join((*_TARGET, *matchers))}}}"


def of_providers(metric: str, *matchers: str) -> str:
    """Return the metric of the selected targets and providers."""
    return of(metric, _PROVIDER, *matchers)


def of_servers(metric: str, *matchers: str) -> str:
    """Return the metric of the local model servers of the selected providers, which are other targets than ours."""
    return f"{metric}{{{', '.join((_PROVIDER, *matchers))}}}"


def of_profiles(metric: str, *matchers: str) -> str:
    """Return the metric of the selected targets and profiles."""
    return of(metric, 'profile=~"$profile"', *matchers)


def rate(selected: str, *by: str) -> str:
    """Return how much the counter grows per second, summed by the labels in `by`."""
    return f"{_sum(by)}(rate({selected}[{WINDOW}]))"


def increase(selected: str, *by: str) -> str:
    """Return how much the counter grew between two data points of the graph."""
    return f"{_sum(by)}(increase({selected}[{WINDOW}]))"


def per_minute(selected: str, *by: str) -> str:
    return f"{rate(selected, *by)} * 60"


def in_last(window: str, selected: str, *by: str) -> str:
    """Return how much the counter grew in a window such as `1d`, whatever the time range of the dashboard is."""
    return f"{_sum(by)}(increase({selected}[{window}]))"


def per_hour(selected: str, *by: str) -> str:
    return f"{rate(selected, *by)} * 3600"


def share(part: str, whole: str) -> str:
    """Return part / whole; no value where the whole is 0."""
    return f"{part} / ({whole} > 0)"


def share_of(part: str, whole: str) -> str:
    """Return part / whole, also before the first series of the part; no value where the whole is 0."""
    return f"({part} or 0 * {whole}) / ({whole} > 0)"


def share_or_zero(part: str, whole: str) -> str:
    """Return part / whole of rates; 0 where both are."""
    return f"{part} / clamp_min({whole}, {_LEAST})"


def mean(select: Select, histogram: str, *by: str) -> str:
    """Return the mean of the observations; no value where there are none."""
    classic = share(rate(select(f"{histogram}_sum"), *by), rate(select(f"{histogram}_count"), *by))
    parts = (
        f"{_sum(by)}({part}(rate({select(histogram)}[{WINDOW}])))"
        for part in ("histogram_sum", "histogram_count")
    )
    return f"{classic} or {share(*parts)}"


def quantile(fraction: float, select: Select, histogram: str, *by: str) -> str:
    """Return the quantile of the observations; no value where there are none, as NaN is not >= 0."""
    classic = f"histogram_quantile({fraction:g}, {rate(select(f'{histogram}_bucket'), 'le', *by)})"
    native = f"histogram_quantile({fraction:g}, {rate(select(histogram), *by)})"
    return f"({classic} or {native}) >= 0"


def buckets(select: Select, histogram: str) -> str:
    """Return how much the buckets of the histogram grow per second."""
    return f"{rate(select(f'{histogram}_bucket'), 'le')} or {rate(select(histogram))}"


def _sum(by: tuple[str, ...]) -> str:
    return f"sum by ({', '.join(by)}) " if by else "sum"
