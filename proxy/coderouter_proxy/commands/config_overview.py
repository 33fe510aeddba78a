"""What `coderouter check-config` prints: the effective configuration, and what the proxy makes of it."""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from coderouter_proxy.config.coderouter2.notes import Note
from coderouter_proxy.config.warnings import warnings
from coderouter_proxy.prices.warnings import price_warnings
from coderouter_proxy.settings import accepted, contexts, effective, learnt
from coderouter_proxy.settings.accepted import Accepted
from coderouter_proxy.settings.contexts import Context
from coderouter_proxy.settings.effective import Link
from coderouter_proxy.settings.launch import Settings

if TYPE_CHECKING:
    from rich.table import Table

CHAINS = "Providers each profile would try now"
TRAITS = "What providers accept, where it is not the default"


@dataclass(frozen=True, kw_only=True)
class Overview:
    """`traits`, `learnt` and `contexts` are by provider, `chains` by profile."""

    path: Path | None
    config: Mapping[str, Any]
    keys_set: Mapping[str, bool]
    chains: Mapping[str, Sequence[Link]]
    traits: Mapping[str, Mapping[str, Accepted]]
    learnt: Mapping[str, Mapping[str, Any]]
    contexts: Mapping[str, Context]
    warnings: Sequence[str]
    notes: Sequence[Note]

    def as_json(self) -> dict[str, Any]:
        return {
            "valid": True,
            "path": self.path and str(self.path),
            "config": self.config,
            "keys_set": self.keys_set,
            "chains": self.chains,
            "traits": {
                provider: {
                    name: {"value": trait.value, "from": trait.source} for name, trait in traits.items()
                }
                for provider, traits in self.traits.items()
            },
            "learnt": self.learnt,
            "contexts": {
                provider: {
                    "max_context_tokens": known.max_context_tokens,
                    "from": known.source,
                    "tokens_per_estimated_token": known.ratio,
                }
                for provider, known in self.contexts.items()
            },
            "warnings": self.warnings,
            "coderouter_2": self.notes,
        }

    @property
    def summary(self) -> str:
        if self.path is None:
            return "There is no providers.yaml; the built-in configuration is used"
        return f"{self.path} is valid"

    @property
    def trait_rows(self) -> list[tuple[str, str, str, str]]:
        """Provider, trait, value and source of each trait that is not the default."""
        return [
            (provider, name, _in_yaml(trait.value), trait.source)
            for provider, traits in self.traits.items()
            for name, trait in traits.items()
            if trait.source != accepted.DEFAULT
        ]

    @property
    def remarks(self) -> Iterable[str]:
        """What was learnt, as the lines that make it permanent; known contexts; keys of CodeRouter 2.x."""
        for provider, needed in self.learnt.items():
            yield f"learnt: {provider} needs traits: {_in_yaml(dict(needed))}"
        for provider, known in self.contexts.items():
            if known.source == contexts.SERVER:
                yield f"context: {provider} has {known.max_context_tokens:,} tokens, as its server reports"
        for note in self.notes:
            yield f"{self.path}:{note}"


def overview(settings: Settings, path: Path | None) -> Overview:
    """Return the overview of the settings, which were read from the path."""
    changed = learnt.changed(settings)
    return Overview(
        path=path,
        config=effective.config(settings),
        keys_set=effective.keys_set(settings),
        chains=effective.chains(settings),
        traits=accepted.traits(settings, changed),
        learnt=learnt.traits(settings, changed),
        contexts=contexts.known(settings),
        warnings=[*warnings(settings.config), *price_warnings(settings.config, datetime.now(UTC).date())],
        notes=settings.notes,
    )


def show(shown: Overview) -> None:
    """Print the overview: with tables and colours at a terminal, else as plain text."""
    if sys.stdout.isatty():
        _show_at_terminal(shown)
    else:
        _show_plain(shown)


def _show_plain(shown: Overview) -> None:
    click.echo(f"{shown.summary}\n\n{_as_yaml(shown.config, shown.keys_set)}\n{CHAINS}\n")
    for profile, number, provider, remark in _chain_rows(shown.chains):
        click.echo(f"{profile}: {number} {provider}{f' ({remark})' if remark else ''}")
    if shown.trait_rows:
        click.echo(f"\n{TRAITS}\n")
    for provider, name, value, source in shown.trait_rows:
        click.echo(f"{provider}: {name}: {value} ({source})")
    for remark in shown.remarks:
        click.echo(remark)
    for warning in shown.warnings:
        click.echo(f"warning: {warning}")


def _show_at_terminal(shown: Overview) -> None:
    from rich.console import Console  # noqa: PLC0415 - not needed in a pipe
    from rich.syntax import Syntax  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    console.print(f"[green]{shown.summary}[/]\n", highlight=False, soft_wrap=True)
    text = _as_yaml(shown.config, shown.keys_set)
    console.print(Syntax(text, "yaml", theme="ansi_dark", background_color="default", word_wrap=True))
    chains = _table(CHAINS, ("profile", "", "provider", ""))
    chains.columns[2].no_wrap = True
    before = ""
    for profile, number, provider, remark in _chain_rows(shown.chains):
        style = "dim" if number == "-" else "yellow" if remark else ""
        chains.add_row(
            "" if profile == before else profile, number, Text(provider, style), Text(remark, style)
        )
        before = profile
    console.print(chains)
    if shown.trait_rows:
        traits = _table(TRAITS, ("provider", "trait", "value", "from"))
        before = ""
        for provider, name, value, source in shown.trait_rows:
            style = "yellow" if source == "learnt" else ""
            traits.add_row(
                "" if provider == before else provider, name, Text(value, style), Text(source, style)
            )
            before = provider
        console.print(traits)
    for remark in shown.remarks:
        console.print(Text(remark), soft_wrap=True)
    for warning in shown.warnings:
        console.print(Text(f"warning: {warning}", "yellow"))


def _table(title: str, columns: Iterable[str]) -> "Table":
    from rich import box  # noqa: PLC0415 - not needed in a pipe
    from rich.table import Table  # noqa: PLC0415

    return Table(*columns, title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)


def _chain_rows(chains: Mapping[str, Sequence[Link]]) -> Iterable[tuple[str, str, str, str]]:
    """Yield profile, number, provider and remark of each provider; skipped ones have no number."""
    for profile, links in chains.items():
        number = 0
        for link in links:
            number += link.tried
            if link.tried:
                yield profile, str(number), link.provider, link.remark
            else:
                yield profile, "-", link.provider, f"skipped: {link.remark}"


def _as_yaml(config: Mapping[str, Any], keys_set: Mapping[str, bool]) -> str:
    """Return the configuration as YAML, with a comment after each variable and file of keys."""

    def with_comment(line: re.Match[str]) -> str:
        name = line[1].strip("'")
        return f"{line[0]}  # {'set' if keys_set[name] else 'not set'}" if name in keys_set else line[0]

    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=100)
    return re.sub(r"^ *(?:api_keys?_(?:env|file):|-) (\S+)$", with_comment, text, flags=re.MULTILINE)


def _in_yaml(value: Any) -> str:  # noqa: ANN401
    """Return the value in one line."""
    plain = list(value) if isinstance(value, tuple) else value
    text: str = yaml.safe_dump(plain, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("...\n").strip()
