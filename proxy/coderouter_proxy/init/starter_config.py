"""Write a first providers.yaml that explains itself."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from coderouter_proxy.init import local_servers, models
from coderouter_proxy.init.clouds import Cloud
from coderouter_proxy.init.local_servers import Look, Server

PULL = "qwen2.5-coder:7b"
LINE_CHARS = 110
HEAD = """\
# Written by `coderouter init`. A request goes to the first provider of its profile that answers.
#
#   coderouter check-config    what this file comes to, and whom each profile would ask now
#   coderouter doctor          whether all of it works
"""
CONTEXT = (
    "Unless told otherwise it reads only the last 4,096 tokens of a prompt on most machines, which is too few for an "
    "agent: start it with OLLAMA_CONTEXT_LENGTH=32768 ollama serve"
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A provider to be written: its place among `providers`, and what a person chooses it by."""

    name: str
    model: str
    paid: bool
    where: str
    lines: tuple[str, ...]


def local(look: Look) -> Entry:
    """Return the entry of a server that was found, with the best of its models."""
    best, *others = models.best_first(look.models)
    remarks = [f"{look.server.title}, found at {look.server.url}."]
    if best.runs_elsewhere:
        remarks.append("This model runs in Ollama's cloud, not on this machine.")
    if look.server.name == local_servers.OLLAMA.name:
        remarks.append(CONTEXT)
    if others:
        remarks.append(f"It also has {', '.join(model.name for model in others)}.")
    return Entry(
        name=look.server.name,
        model=best.name,
        paid=False,
        where="local",
        lines=_local_lines(look.server, best.name, remarks),
    )


def absent(ollama: Server) -> list[Entry]:
    """Return what is written when there is nothing to ask: Ollama, for when it is there, and an echo until then."""
    remarks = [
        f"Not found when this was written. To have it: https://ollama.com, then ollama pull {PULL}",
        CONTEXT,
    ]
    echo = (
        *_remarks(["Answers with your own words while no model does. Take it out when you have one."]),
        "- name: echo",
        "  kind: echo",
    )
    return [
        Entry(
            name=ollama.name,
            model=PULL,
            paid=False,
            where="not there yet",
            lines=_local_lines(ollama, PULL, remarks),
        ),
        Entry(name="echo", model="echo", paid=False, where="built in", lines=echo),
    ]


def cloud(cloud: Cloud) -> Entry:
    """Return the entry of a provider in the cloud."""
    lines = [
        *_remarks([cloud.remark]),
        f"- name: {cloud.name}",
        *([] if cloud.kind == "openai_compat" else [f"  kind: {cloud.kind}"]),
        f"  base_url: {cloud.base_url}",
        f"  model: {_scalar(cloud.model)}",
        f"  api_key_env: {cloud.variable} # the variable's name; the key itself never stands in this file",
        *(["  paid: true"] if cloud.paid else []),
        "  timeout_s: 120",
    ]
    where = f"{'paid' if cloud.paid else 'free'}, key in {cloud.variable}"
    return Entry(name=cloud.name, model=cloud.model, paid=cloud.paid, where=where, lines=tuple(lines))


def text(entries: Sequence[Entry], *, allow_paid: bool) -> str:
    """Return the whole file; the profile tries the entries in their order."""
    effect = (
        "asked when those before them fail"
        if allow_paid
        else "skipped; the variable ALLOW_PAID wins over this"
    )
    providers = "\n\n".join("\n".join(f"  {line}" for line in entry.lines) for entry in entries)
    chain = ", ".join(entry.name for entry in entries)
    parts = [
        HEAD,
        f"allow_paid: {'true' if allow_paid else 'false'} # paid providers are {effect}",
        f"providers:\n{providers}",
        f"profiles:\n  - name: default\n    providers: [{chain}] # in the order of trying",
    ]
    if len(entries) > 1:
        parts[-1] += "\n    cooldown: {} # one that failed three times in a row is tried last for a minute"
    return "\n".join([parts[0], "\n\n".join(parts[1:]), ""])


def _local_lines(server: Server, model: str, remarks: Sequence[str]) -> tuple[str, ...]:
    return (
        *_remarks(remarks),
        f"- name: {server.name}",
        f"  base_url: {_scalar(server.base_url)}",
        f"  model: {_scalar(model)}",
        "  timeout_s: 300 # loading a model and reading a long prompt take their time",
    )


def _remarks(remarks: Sequence[str]) -> list[str]:
    return [
        f"# {line}"
        for remark in remarks
        for line in textwrap.wrap(remark, LINE_CHARS - 4, break_long_words=False, break_on_hyphens=False)
    ]


def _scalar(value: str) -> str:
    """Return the text as a YAML scalar, quoted where it would be read as something else."""
    return yaml.safe_dump(value, width=10_000, allow_unicode=True).removesuffix("\n").removesuffix("\n...")
