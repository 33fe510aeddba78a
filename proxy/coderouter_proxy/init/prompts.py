"""Output and prompts of `coderouter init`."""

import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import click

from coderouter_http.command_line import local_urls
from coderouter_proxy.agents.table import AGENTS, Target
from coderouter_proxy.config import load, validation
from coderouter_proxy.init import starter_config
from coderouter_proxy.init.clouds import CLOUDS, Cloud
from coderouter_proxy.init.local_servers import ServerScan
from coderouter_proxy.init.starter_config import Entry


def show_found(scans: Sequence[ServerScan], keys: Sequence[Cloud]) -> None:
    _heading("Models on this machine")
    for scan in scans:
        count = len(scan.models)
        summary = scan.problem or f"{count} model{'s' if count > 1 else ''}"
        _row(scan.server.title, f"{scan.server.url:<24} {summary}", found=bool(count))
    _heading("Keys in the environment")
    for cloud in keys:
        _row(cloud.name, cloud.variable)
    missing = ", ".join(cloud.variable for cloud in CLOUDS if cloud not in keys)
    for number, line in enumerate(textwrap.wrap(missing, 62)):
        _row("" if number else "not set", line, found=False)


def choose(found: Sequence[Entry]) -> list[Entry]:
    """Ask which of the entries to write, and in which order."""
    _heading("Available providers")
    for number, entry in enumerate(found, 1):
        _row(f"{number}  {entry.name}", f"{entry.model}  ({entry.where})")

    def parse(answer: str) -> list[Entry]:
        words = re.split(r"[\s,]+", answer.strip())
        if not all(word.isdecimal() and 1 <= int(word) <= len(found) for word in words):
            raise click.BadParameter(f"{answer!r} is not in the list; enter numbers, e.g. 1 or 2,1")
        return [found[int(word) - 1] for word in dict.fromkeys(words)]

    every = ",".join(str(number) for number in range(1, len(found) + 1))
    click.echo()
    entries: list[Entry] = click.prompt(
        "Which ones, in the order to try them", default=every, value_proc=parse
    )
    return entries


def confirm_paid(entries: Sequence[Entry]) -> bool:
    """Ask whether the paid providers among the entries may be used; without any, return False."""
    paid = [entry.name for entry in entries if entry.paid]
    if not paid:
        return False
    click.echo()
    question = f"Use {' and '.join(paid)} when the others fail? This costs money."
    return click.confirm(question, default=len(paid) == len(entries))


def show_written(path: Path, entries: Sequence[Entry], *, allow_paid: bool) -> None:
    _heading(f"Wrote {path}")
    for number, entry in enumerate(entries, 1):
        skipped = entry.paid and not allow_paid
        remark = "paid, skipped: allow_paid is false" if skipped else entry.where
        _row(f"{'-' if skipped else number}  {entry.name}", f"{entry.model}  ({remark})", found=not skipped)


def show_next(path: Path, *, port: int, found_any: bool) -> None:
    command = "coderouter" if shutil.which("coderouter") else sys.argv[0]  # in a .venv that is not activated
    option = "" if _is_default(path) else f" --config {path}"
    target = Target(url=f"http://127.0.0.1:{port}")
    moved = port != local_urls.PROXY_PORT
    on_port, at_url = (f" --port {port}", f" --proxy-url {target.url}") if moved else ("", "")
    if not found_any:
        _heading("Get a model; until then the proxy echoes your own words")
        _row("here", f"install Ollama from https://ollama.com, then: ollama pull {starter_config.PULL}")
        _row("for free", "create a key at https://openrouter.ai and put it in OPENROUTER_API_KEY")
        _row("then", f"rm {path} and run coderouter init again")
    _heading("Start proxy and exporter, then check in another terminal that everything works")
    click.echo(f"  {command} run{option}{on_port}\n  {command} doctor{option}{at_url}")
    click.echo(f"\n  The dashboard is then at {local_urls.exporter_url()}/dashboard")
    _heading("Connect your tools")
    for agent in AGENTS:
        where = f", in {agent.file}" if agent.line_goes_into else ""
        click.echo(f"  # {agent.name}{where}\n  {agent.line(target)}")


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
