"""A label that `cr-exporter backfill` adds, as it is given on the command line."""

import re

import click

from coderouter_exporter.families.table import FAMILIES


class Label(click.ParamType[tuple[str, str]]):
    name = "NAME=VALUE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        name, equals, text = str(value).partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            self.fail(f"{value!r} is not a label; write e.g. job=coderouter", param, ctx)
        if name.startswith("__"):
            self.fail(
                f"{name!r} is a name that Prometheus reserves for itself; choose another one", param, ctx
            )
        if any("\ud800" <= char <= "\udfff" for char in text):
            self.fail(f"the value of {name!r} is not UTF-8", param, ctx)
        if name == "le" or any(name in family.labels for family in FAMILIES):
            self.fail(f"{name!r} is already a label of these metrics; choose another name", param, ctx)
        return name, text
