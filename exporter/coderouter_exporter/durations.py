"""Durations on the command line, such as 500ms, 15s, 5m or 1h."""

import re

import click

DAYS_MAX = 366
UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


class Duration(click.ParamType[int]):
    """Converts to milliseconds."""

    name = "DURATION"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"([1-9][0-9]{0,11})(ms|s|m|h|d)", str(value))
        if match is None:
            self.fail(f"{value!r} is not a duration; write e.g. 500ms, 15s, 5m or 1h", param, ctx)
        found_ms = int(match[1]) * UNITS_MS[match[2]]
        if found_ms > DAYS_MAX * UNITS_MS["d"]:
            self.fail(f"{value!r} is longer than {DAYS_MAX}d", param, ctx)
        return found_ms
