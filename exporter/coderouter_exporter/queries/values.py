"""How values are shown: times in RFC 3339, costs in dollars."""

from datetime import UTC, datetime

from coderouter_exporter.families.kinds import MICRO


def time_of(ts: float | None) -> str | None:
    """Return the time in RFC 3339, in UTC with milliseconds."""
    if ts is None:
        return None
    try:
        return datetime.fromtimestamp(ts, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None


def usd(micro_usd: int | None) -> float | None:
    return None if micro_usd is None else micro_usd / MICRO


def share(part: int, whole: int) -> float | None:
    """Return the part as a share of the whole; None if the whole is 0."""
    return round(part / whole, 6) if whole else None
