"""Show results: a table at a terminal, plain text in a pipe, JSON where it is asked for."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

import click
import orjson
import yaml

from coderouter_proxy.doctor import verdict
from coderouter_proxy.doctor.verdict import Result, Verdict

STYLES: dict[Verdict, str] = {
    Verdict.OK: "green",
    Verdict.NEEDS_TUNING: "yellow",
    Verdict.UNSUPPORTED: "red",
    Verdict.AUTH_FAIL: "bold red",
    Verdict.TRANSPORT_ERROR: "bold red",
    Verdict.SKIP: "dim",
}


def show(results: Sequence[Result], *, as_json: bool) -> None:
    """Write the results to stdout."""
    if as_json:
        click.echo(orjson.dumps(as_object(results), option=orjson.OPT_INDENT_2))
        return
    groups = by_subject(results)
    if sys.stdout.isatty():
        _show_tables(groups)
    else:
        click.echo("\n\n".join(_plain(subject, group) for subject, group in groups.items()))
    for subject, group in groups.items():
        if patch := patch_of(group):
            click.echo(f"\nproviders.yaml, provider {subject}:\n\n{indented(as_yaml(patch))}")


def as_object(results: Sequence[Result]) -> dict[str, Any]:
    """Return what `--json` shows."""
    shown = [
        {
            "subject": result.subject,
            "check": result.check,
            "verdict": result.verdict.value,
            "message": result.message,
            "remedy": result.remedy,
            "patch": dict(result.patch),
        }
        for result in results
    ]
    return {"exit_code": verdict.exit_code(results), "results": shown}


def by_subject(results: Sequence[Result]) -> dict[str, list[Result]]:
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.subject, []).append(result)
    return groups


def patch_of(results: Sequence[Result]) -> dict[str, Any]:
    """Return the patches of all these results in one."""
    patch: dict[str, Any] = {}
    for result in results:
        patch = merged(patch, result.patch)
    return patch


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return one mapping laid over the other; mappings inside are merged as well, all else is replaced."""
    both = dict(below)
    for key, value in above.items():
        under = both.get(key)
        nested = isinstance(value, Mapping) and isinstance(under, Mapping)
        both[key] = merged(cast("Mapping[str, Any]", under), value) if nested else value
    return both


def as_yaml(patch: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(patch), sort_keys=False, allow_unicode=True).rstrip()


def indented(text: str) -> str:
    """Return the text as it stands under a provider's name in providers.yaml."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def _plain(subject: str, results: Sequence[Result]) -> str:
    verdict_chars = max(len(result.verdict) for result in results)
    check_chars = max(len(result.check) for result in results)
    lines = [f"{subject}:"] if subject else []
    for result in results:
        begin = f"{'  ' if subject else ''}{result.verdict:<{verdict_chars}}  {result.check:<{check_chars}}  "
        lines.append(f"{begin}{result.message}".rstrip())
        if result.remedy:
            lines.append(f"{' ' * len(begin)}→ {result.remedy}")
    return "\n".join(lines)


def _show_tables(groups: Mapping[str, Sequence[Result]]) -> None:
    from rich import box  # noqa: PLC0415 - not needed in a pipe
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    for subject, results in groups.items():
        table = Table(title=subject or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        table.add_column("check", no_wrap=True)
        table.add_column("verdict", no_wrap=True)
        table.add_column("what was found", overflow="fold")
        for result in results:
            found = Text(result.message)
            if result.remedy:
                found.append(f"\n→ {result.remedy}", style="bold")
            table.add_row(result.check, Text(result.verdict, style=STYLES[result.verdict]), found)
        console.print(table)
