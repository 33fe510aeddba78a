"""Numbers as Grafana shows them in a unit."""

from collections.abc import Callable


def shown(value: float, unit: str) -> str:
    """Return the number with its unit, with three significant digits."""
    return _UNITS[unit](value)


def _scaled(value: float, steps: tuple[tuple[float, str], ...]) -> str:
    for size, name in steps:
        if abs(value) >= size:
            return f"{value / size:.3g}{name}"
    return f"{value:.3g}{steps[-1][1]}" if value else f"0{steps[-1][1]}"


def _seconds(value: float) -> str:
    if abs(value) >= 60:
        return f"{value / 60:.3g} min"
    return _scaled(value, ((1, " s"), (1e-3, " ms"), (1e-6, " µs"))) if value else "0 s"


def _short(value: float) -> str:
    return _scaled(value, ((1e9, " Bil"), (1e6, " Mil"), (1e3, " K"), (1, "")))


def _with(suffix: str) -> Callable[[float], str]:
    return lambda value: _short(value) + suffix


_UNITS: dict[str, Callable[[float], str]] = {
    "none": lambda value: f"{value:g}",
    "short": _short,
    "s": _seconds,
    "percentunit": lambda value: f"{value * 100:.3g}%",
    "reqps": _with(" req/s"),
    "reqpm": _with(" req/m"),
    "cpm": _with(" c/m"),
    "bytes": lambda value: _scaled(value, ((2**30, " GiB"), (2**20, " MiB"), (2**10, " KiB"), (1, " B"))),
    "currencyUSD": lambda value: f"${value:.3g}",
}
