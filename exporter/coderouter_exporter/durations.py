"""Durations on the command line, such as 500ms, 15s, 5m or 1h."""

import re

import click

UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


class Duration(click.ParamType[int]):
    """Converts to milliseconds."""

    name = "DURATION"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"([1-9]\d*)(ms|s|m|h|d)", str(value))
        if match is None:
            self.fail(f"{value!r} is not a duration; write e.g. 500ms, 15s, 5m or 1h", param, ctx)
        return int(match[1]) * UNITS_MS[match[2]]
