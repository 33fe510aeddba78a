"""Write a starter providers.yaml that explains itself."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from coderouter_proxy import config
from coderouter_proxy.init import local_servers, models
from coderouter_proxy.init.clouds import Cloud
from coderouter_proxy.init.local_servers import Server, ServerScan
from coderouter_proxy.prices import table
from coderouter_proxy.prices.table import ListPrice
from coderouter_proxy.prices.warnings import as_yaml

PULL = "qwen2.5-coder:7b"
FREE = "{input_per_mtok: 0, output_per_mtok: 0}"
LINE_CHARS = 110
HEAD = """\
# Written by `coderouter init`. A request goes to the first provider of its profile that answers.
#
#   coderouter check-config    show the effective configuration, and which providers each profile would try now
#   coderouter doctor          check that all of it works
"""
CONTEXT = (
    "By default, on most machines it reads only the last 4,096 tokens of a prompt, which is too few for an agent: "
    "start it with OLLAMA_CONTEXT_LENGTH=32768 ollama serve"
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A provider to write: its lines in providers.yaml, and how the prompt shows it."""

    name: str
    model: str
    paid: bool
    where: str
    lines: tuple[str, ...]


def schema_path() -> Path:
    """Return the JSON schema of providers.yaml, by which editors complete and check it."""
    return Path(str(config.__file__)).with_name("providers.schema.json")


def local_entry(scan: ServerScan) -> Entry:
    """Return the entry for a server that was found, with the best of its models."""
    best, *others = models.best_first(scan.models)
    remarks = [f"{scan.server.title}, found at {scan.server.url}."]
    if best.runs_elsewhere:
        remarks.append("This model runs in Ollama's cloud, not on this machine.")
    if scan.server.name == local_servers.OLLAMA.name:
        remarks.append(CONTEXT)
    if others:
        remarks.append(f"It also has {', '.join(model.name for model in others)}.")
    return Entry(
        name=scan.server.name,
        model=best.name,
        paid=False,
        where="local",
        lines=_local_lines(scan.server, best.name, remarks),
    )


def placeholder_entries(ollama: Server) -> list[Entry]:
    """Return what to write when no provider was found: Ollama, to be installed later, and an echo until then."""
    remarks = [
        f"Not found when this was written. To install it: https://ollama.com, then ollama pull {PULL}",
        CONTEXT,
    ]
    echo = (
        *_remarks(["Answers with your own words as long as no model does. Remove it once you have one."]),
        "- name: echo",
        "  kind: echo",
        f"  cost: {FREE}",
    )
    return [
        Entry(
            name=ollama.name,
            model=PULL,
            paid=False,
            where="not installed yet",
            lines=_local_lines(ollama, PULL, remarks),
        ),
        Entry(name="echo", model="echo", paid=False, where="built in", lines=echo),
    ]


def cloud_entry(cloud: Cloud) -> Entry:
    """Return the entry for a cloud provider."""
    price = table.list_price(cloud.base_url, cloud.model)
    lines = [
        *_remarks([cloud.remark, *_about_price(price)]),
        f"- name: {cloud.name}",
        *([] if cloud.kind == "openai_compat" else [f"  kind: {cloud.kind}"]),
        f"  base_url: {cloud.base_url}",
        f"  model: {_scalar(cloud.model)}",
        f"  api_key_env: {cloud.variable} # the variable's name; the key itself is never in this file",
        *(["  paid: true"] if cloud.paid else []),
        *(_cost_lines(price, paid=cloud.paid) if price else []),
        "  timeout_s: 120",
    ]
    where = f"{'paid' if cloud.paid else 'free'}, key in {cloud.variable}"
    return Entry(name=cloud.name, model=cloud.model, paid=cloud.paid, where=where, lines=tuple(lines))


def _about_price(price: ListPrice | None) -> list[str]:
    if price is None:
        return []
    until = f" Its list price is valid until {price.until}." if price.until else ""
    return [f"Takes prompts of up to {price.context_tokens:,} tokens.{until} {price.remark}".strip()]


def _cost_lines(price: ListPrice, *, paid: bool) -> list[str]:
    if not paid:
        return [f"  # cost: {as_yaml(price)} # its list price, for billed accounts"]
    return [
        f"  cost: # list price in dollars per million tokens, from the {price.source}",
        *(f"    {field}: {usd:g}" for field, usd in price.per_mtok().items()),
        f"    as_of: {price.as_of}",
    ]


def render(entries: Sequence[Entry], *, allow_paid: bool) -> str:
    """Return the text of the file; its profile tries the entries in their order."""
    effect = (
        "tried when those before them fail"
        if allow_paid
        else "skipped; the variable ALLOW_PAID overrides this"
    )
    providers = "\n\n".join("\n".join(f"  {line}" for line in entry.lines) for entry in entries)
    chain = ", ".join(entry.name for entry in entries)
    parts = [
        f"# yaml-language-server: $schema={schema_path().as_uri()}\n{HEAD}",
        f"allow_paid: {'true' if allow_paid else 'false'} # paid providers are {effect}",
        f"providers:\n{providers}",
        f"profiles:\n  - name: default\n    providers: [{chain}] # tried in this order",
    ]
    if len(entries) > 1:
        parts[-1] += (
            "\n    cooldown: {} # after three failures in a row a provider moves to the end of the chain for a minute"
        )
    return "\n".join([parts[0], "\n\n".join(parts[1:]), ""])


def _local_lines(server: Server, model: str, remarks: Sequence[str]) -> tuple[str, ...]:
    return (
        *_remarks(remarks),
        f"- name: {server.name}",
        f"  base_url: {_scalar(server.base_url)}",
        f"  model: {_scalar(model)}",
        f"  cost: {FREE} # of your own hardware; without it, the cost is unknown",
        "  timeout_s: 300 # loading a model and reading a long prompt take a while",
    )


def _remarks(remarks: Sequence[str]) -> list[str]:
    return [
        f"# {line}"
        for remark in remarks
        for line in textwrap.wrap(remark, LINE_CHARS - 4, break_long_words=False, break_on_hyphens=False)
    ]


def _scalar(value: str) -> str:
    """Return the text as a YAML scalar, quoted if it would be read as something else."""
    return yaml.safe_dump(value, width=10_000, allow_unicode=True).removesuffix("\n").removesuffix("\n...")
