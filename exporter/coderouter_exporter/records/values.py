"""Reads JSON values of any type as the type that is agreed, or as nothing."""

from datetime import datetime


def unix_time(ts: str) -> float | None:
    """Return the Unix time of an event's `ts`, or None if it is not a time.

    Without a zone it is local time, as in CodeRouter 1.7. A leap second is the second after it.
    """
    try:
        return datetime.fromisoformat(ts).timestamp()
    except (ValueError, OverflowError, OSError):
        return _in_leap_second(ts)


def _in_leap_second(ts: str) -> float | None:
    before = unix_time(f"{ts[:17]}59{ts[19:]}") if ts[16:19] == ":60" else None
    return None if before is None else before + 1


def as_text(value: object) -> str | None:
    """Return text as it is and anything else but null as Python writes it."""
    return value if value is None or isinstance(value, str) else str(value)


def as_texts(value: object) -> list[str]:
    return [as_text(entry) or "" for entry in value] if isinstance(value, list) else []


def as_int(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_counts(value: object) -> dict[str, int]:
    """Return what in an object is a number by name."""
    found = value.items() if isinstance(value, dict) else ()
    return {str(name): number for name, each in found if (number := as_int(each)) is not None}


def as_float(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def as_bool(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
