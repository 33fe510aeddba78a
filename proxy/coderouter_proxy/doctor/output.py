"""Show results: a table at a terminal, plain text in a pipe, JSON where it is asked for."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
import orjson

from coderouter_proxy.doctor import result as verdict
from coderouter_proxy.doctor.patch import patch as patching
from coderouter_proxy.doctor.patch.patch import Change, Patch
from coderouter_proxy.doctor.result import Result, Verdict

STYLES: dict[Verdict, str] = {
    Verdict.OK: "green",
    Verdict.NEEDS_TUNING: "yellow",
    Verdict.UNSUPPORTED: "red",
    Verdict.AUTH_FAIL: "bold red",
    Verdict.TRANSPORT_ERROR: "bold red",
    Verdict.SKIP: "dim",
}
DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def show(results: Sequence[Result], *, as_json: bool, change: Change | None = None) -> None:
    """Write the results to stdout, and what was changed or would be."""
    if as_json:
        click.echo(orjson.dumps(as_object(results, change), option=orjson.OPT_INDENT_2))
        return
    groups = by_subject(results)
    if sys.stdout.isatty():
        _show_tables(groups)
    else:
        click.echo("\n\n".join(_plain(subject, group) for subject, group in groups.items()))
    if change is None:
        _show_patches(patches(results))
    else:
        _show_change(change)


def as_object(results: Sequence[Result], change: Change | None) -> dict[str, Any]:
    """Return what `--json` shows."""
    shown: dict[str, Any] = {
        "exit_code": verdict.exit_code(results),
        "results": [
            {
                "subject": result.subject,
                "check": result.check,
                "verdict": result.verdict.value,
                "message": result.message,
                "remedy": result.remedy,
                "patch": dict(result.patch),
            }
            for result in results
        ],
    }
    if change is not None:
        shown["change"] = {
            "path": str(change.path),
            "backup": str(change.backup) if change.backup else None,
            "diff": change.difference(),
        }
    return shown


def patches(results: Sequence[Result]) -> dict[str, Patch]:
    """Return the patches of each subject in one, where it has any."""
    whole = {
        subject: patching.in_one(result.patch for result in group)
        for subject, group in by_subject(results).items()
    }
    return {subject: patch for subject, patch in whole.items() if patch}


def by_subject(results: Sequence[Result]) -> dict[str, list[Result]]:
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.subject, []).append(result)
    return groups


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


def _show_patches(patches: Mapping[str, Patch]) -> None:
    for provider, patch in patches.items():
        click.echo(f"\nproviders.yaml, provider {provider}:\n\n{patching.as_yaml(patch, indent=4)}")
    if patches:
        click.echo("\nPut this in by hand, or run the same again with --apply.")


def _show_change(change: Change) -> None:
    from rich.console import Console  # noqa: PLC0415 - not needed for JSON
    from rich.text import Text  # noqa: PLC0415

    console = Console(soft_wrap=True)
    console.print()
    for line in change.difference():
        console.print(Text(line, style=DIFF_STYLES.get(line[:1], "")))
    if change.backup is not None:
        console.print(
            Text(
                f"\n{change.path} is changed; as it was: {change.backup}\nA running proxy reads it anew at SIGHUP."
            )
        )
    elif change.before == change.after:
        console.print(Text(f"{change.path} needs no change."))
    else:
        console.print(Text(f"\nNothing is written; --apply without --dry-run changes {change.path}."))


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
