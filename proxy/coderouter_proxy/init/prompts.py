"""What `coderouter init` says and asks."""

import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import click

from coderouter_proxy.config import load, validation
from coderouter_proxy.init import client_settings, starter_config
from coderouter_proxy.init.clouds import CLOUDS, Cloud
from coderouter_proxy.init.local_servers import Look
from coderouter_proxy.init.starter_config import Entry


def show_found(looks: Sequence[Look], keys: Sequence[Cloud]) -> None:
    _heading("Models on this machine")
    for look in looks:
        count = len(look.models)
        told = look.problem or f"{count} model{'s' if count > 1 else ''}"
        _row(look.server.title, f"{look.server.url:<24} {told}", found=bool(count))
    _heading("Keys in the environment")
    for cloud in keys:
        _row(cloud.name, cloud.variable)
    missing = ", ".join(cloud.variable for cloud in CLOUDS if cloud not in keys)
    for number, line in enumerate(textwrap.wrap(missing, 62)):
        _row("" if number else "not set", line, found=False)


def chosen(found: Sequence[Entry]) -> list[Entry]:
    """Ask which of them to write, and in which order."""
    _heading("To choose from")
    for number, entry in enumerate(found, 1):
        _row(f"{number}  {entry.name}", f"{entry.model}  ({entry.where})")

    def picked(answer: str) -> list[Entry]:
        words = re.split(r"[\s,]+", answer.strip())
        if not all(word.isdecimal() and 1 <= int(word) <= len(found) for word in words):
            raise click.BadParameter(f"{answer!r} is not among them; write numbers, e.g. 1 or 2,1")
        return [found[int(word) - 1] for word in dict.fromkeys(words)]

    every = ",".join(str(number) for number in range(1, len(found) + 1))
    click.echo()
    entries: list[Entry] = click.prompt("Which, in the order of trying", default=every, value_proc=picked)
    return entries


def pays(entries: Sequence[Entry]) -> bool:
    """Ask whether the paid ones among them may be asked; where there are none, they may not."""
    paid = [entry.name for entry in entries if entry.paid]
    if not paid:
        return False
    click.echo()
    question = f"Let {' and '.join(paid)} be asked when the others fail? It costs money."
    return click.confirm(question, default=len(paid) == len(entries))


def show_written(path: Path, entries: Sequence[Entry], *, allow_paid: bool) -> None:
    _heading(f"Wrote {path}")
    for number, entry in enumerate(entries, 1):
        skipped = entry.paid and not allow_paid
        why = "paid, skipped: allow_paid is false" if skipped else entry.where
        _row(f"{'-' if skipped else number}  {entry.name}", f"{entry.model}  ({why})", found=not skipped)


def show_next(path: Path, url: str, *, found_any: bool) -> None:
    command = "coderouter" if shutil.which("coderouter") else sys.argv[0]  # of a .venv that is not active
    option = "" if _is_default(path) else f" --config {path}"
    if not found_any:
        _heading("Get a model; until then the proxy answers with your own words")
        _row("here", f"install Ollama from https://ollama.com, then: ollama pull {starter_config.PULL}")
        _row("for free", "make a key at https://openrouter.ai and put it into OPENROUTER_API_KEY")
        _row("then", f"rm {path} and coderouter init once more")
    _heading("Start the proxy, then see whether all is well")
    click.echo(f"  {command} serve{option}\n  {command} doctor{option}")
    _heading("Point your tools at it")
    for tool in (client_settings.CLAUDE_CODE, client_settings.OPENAI_SDKS, client_settings.CODEX):
        click.echo(f"  # {tool.name}\n  {tool.at(url)}")
    click.echo(f"  # {client_settings.CODEX_NEWER}")


def _is_default(path: Path) -> bool:
    """Return whether `serve` finds the file by itself."""
    try:
        found = load.find(None)
    except validation.ConfigErrors:
        return False
    return found is not None and found.resolve() == path.resolve()


def _heading(text: str) -> None:
    click.secho(f"\n{text}", bold=True)


def _row(name: str, text: str, *, found: bool = True) -> None:
    click.secho(f"  {name:<14} {text}", dim=not found)
