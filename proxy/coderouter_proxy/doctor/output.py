"""Show results: tables at a terminal, plain text in a pipe, JSON on request."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
import orjson

from coderouter_proxy.doctor.patch.patch import Change, Patch, as_yaml, merge_all
from coderouter_proxy.doctor.result import Result, Verdict, exit_code

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
    """Write the results to stdout, with the change to providers.yaml that was made or would be made."""
    if as_json:
        click.echo(orjson.dumps(json_report(results, change), option=orjson.OPT_INDENT_2))
        return
    groups = by_subject(results)
    if sys.stdout.isatty():
        _show_tables(groups)
    else:
        click.echo("\n\n".join(_plain_text(subject, group) for subject, group in groups.items()))
    if change is None:
        _show_patches(patches_by_subject(results))
    else:
        _show_change(change)


def json_report(results: Sequence[Result], change: Change | None) -> dict[str, Any]:
    """Return what `--json` writes."""
    report: dict[str, Any] = {
        "exit_code": exit_code(results),
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
        report["change"] = {
            "path": str(change.path),
            "backup": str(change.backup) if change.backup else None,
            "diff": change.diff(),
        }
    return report


def patches_by_subject(results: Sequence[Result]) -> dict[str, Patch]:
    """Return one patch for each subject that has any."""
    merged = {
        subject: merge_all(result.patch for result in group) for subject, group in by_subject(results).items()
    }
    return {subject: patch for subject, patch in merged.items() if patch}


def by_subject(results: Sequence[Result]) -> dict[str, list[Result]]:
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.subject, []).append(result)
    return groups


def _plain_text(subject: str, results: Sequence[Result]) -> str:
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
        click.echo(f"\nproviders.yaml, provider {provider}:\n\n{as_yaml(patch, indent=4)}")
    if patches:
        click.echo("\nAdd this by hand, or run the same command again with --apply.")


def _show_change(change: Change) -> None:
    from rich.console import Console  # noqa: PLC0415 - not needed for JSON
    from rich.text import Text  # noqa: PLC0415

    console = Console(soft_wrap=True)
    console.print()
    for line in change.diff():
        console.print(Text(line, style=DIFF_STYLES.get(line[:1], "")))
    if change.backup is not None:
        console.print(
            Text(
                f"\n{change.path} was changed; backup: {change.backup}\nA running proxy reloads it on SIGHUP."
            )
        )
    elif change.before == change.after:
        console.print(Text(f"{change.path} needs no change."))
    else:
        console.print(Text(f"\nNothing was written; --apply without --dry-run changes {change.path}."))


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
        table.add_column("result", overflow="fold")
        for result in results:
            text = Text(result.message)
            if result.remedy:
                text.append(f"\n→ {result.remedy}", style="bold")
            table.add_row(result.check, Text(result.verdict, style=STYLES[result.verdict]), text)
        console.print(table)
