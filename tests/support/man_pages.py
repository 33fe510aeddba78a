"""Manual pages, written from the help of the commands: part of `make docs`."""

import inspect
import re
from collections.abc import Iterator

import click

from coderouter_exporter.cli import main as cr_exporter
from coderouter_http.product import ALIAS, DISTRIBUTION
from coderouter_proxy.cli import main as coderouter

SUMMARIES = {
    "coderouter": "a local-first LLM router for coding agents",
    "cr-exporter": "count the events of the CodeRouter proxy exactly once and serve the totals",
}
FILES = {
    "~/.coderouter/providers.yaml": "The providers and their order; ./providers.yaml wins over it.",
    "~/.coderouter/events.jsonl": "What the proxy did, one JSON object a line.",
    "~/.coderouter/exporter.db": "The totals of the exporter, and how far it has read.",
}


def pages() -> dict[str, str]:
    """Return each page by its file name."""
    return {
        "coderouter.1": page("coderouter", coderouter, "cr-exporter"),
        "cr-exporter.1": page("cr-exporter", cr_exporter, "coderouter"),
        f"{ALIAS}.1": ".so man1/coderouter.1\n",
    }


def page(name: str, program: click.Group, other: str) -> str:
    lines = [
        f'.TH {name.upper()} 1 "" "{DISTRIBUTION}" "User Commands"',
        ".SH NAME",
        f"{_escaped(name)} \\- {_escaped(SUMMARIES[name])}",
        *_command(_context(name, program), ".SH"),
        ".SH COMMANDS",
    ]
    for context in _sub_commands(_context(name, program)):
        lines += [f".SS {_escaped(context.command_path)}", *_command(context, None)]
    lines += [".SH FILES"]
    for file, text in FILES.items():
        lines += [".TP", f".I {_escaped(file)}", _escaped(text)]
    lines += [".SH SEE ALSO", f".BR {_escaped(other)} (1)"]
    return "\n".join(lines) + "\n"


def _context(name: str, command: click.Command, parent: click.Context | None = None) -> click.Context:
    return click.Context(command, info_name=name, parent=parent, **command.context_settings)


def _sub_commands(context: click.Context) -> Iterator[click.Context]:
    """Yield those that have options of their own, in the order of the help."""
    group = context.command
    assert isinstance(group, click.Group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = _context(name, command, context)
        if isinstance(command, click.Group):
            yield from _sub_commands(inner)
        else:
            yield inner


def _command(context: click.Context, heading: str | None) -> Iterator[str]:
    """Yield synopsis, description and options, each below the heading if there is one."""
    command = context.command
    yield from [f"{heading} SYNOPSIS"] if heading else []
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".B {_escaped(context.command_path)}"
    yield _escaped(usage)
    yield from [f"{heading} DESCRIPTION"] if heading else [".PP"]
    yield from _paragraphs(inspect.cleandoc(command.help or ""))
    yield from [f"{heading} OPTIONS"] if heading else []
    for parameter in command.get_params(context):
        if record := parameter.get_help_record(context):
            yield ".TP"
            yield f".B {_escaped(record[0])}"
            yield _marked(" ".join(record[1].split()))


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the text of a help; a paragraph that begins with a backspace keeps its lines, as in click."""
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        if paragraph.startswith("\b"):
            yield from [".nf", *map(_marked, paragraph.splitlines()[1:]), ".fi"]
        else:
            yield _marked(" ".join(paragraph.split()))


def _marked(text: str) -> str:
    """Return the text with what is in backticks in bold."""
    parts = re.split(r"`([^`]+)`", text)
    return "".join(f"\\fB{_escaped(p)}\\fR" if i % 2 else _escaped(p) for i, p in enumerate(parts))


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text
