"""Prints a comparison of two providers, and suggestions."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import click
from rich.padding import Padding
from rich.text import Text

from coderouter_exporter.terminal import client, options, output, words
from coderouter_exporter.terminal.analysis import compared, statistics
from coderouter_exporter.terminal.analysis.compared import Compared, Estimated, Measure
from coderouter_exporter.terminal.analysis.observed import Observed, observe
from coderouter_exporter.terminal.analysis.suggestions import Setup
from coderouter_exporter.terminal.analysis.suggestions import suggest as suggestions_of
from coderouter_exporter.terminal.output import Column


class NotSeen(Exception):
    """A provider is unknown; the message names those that are known."""


@dataclass(frozen=True)
class Evidence:
    """What the kept requests show since some time, and how many there are."""

    providers: dict[str, Observed]
    status: dict[str, Any]
    requests: int
    oldest: str | None
    """When the oldest of them began, if older ones were not kept."""

    @property
    def text(self) -> str:
        zone = words.zone_named(self.status["zone"])
        since = (
            f", which are kept since {words.time_of_day(self.oldest, self.status['generated_at'], zone)}"
            if self.oldest
            else ""
        )
        return f"By {words.some(self.requests, 'request')}{since}."


def evidence(url: str, since: datetime) -> Evidence:
    """Return the evidence in the requests that the exporter keeps, since that time.

    Raises:
        ExporterUnreachable
    """
    status = client.get(url, "/status")
    wanted = [("since", options.timestamp(since))]
    page = client.get(url, "/requests", [*wanted, ("limit", "1")])
    kept = page["kept"]
    oldest = kept["oldest"] if page["total"] >= kept["max"] else None
    return Evidence(observe(client.rows(url, wanted)), status, page["total"], oldest)


def compare(url: str, first: str, second: str, since: datetime, *, as_json: bool) -> None:
    """Print the comparison.

    Raises:
        ExporterUnreachable, NotSeen
    """
    found = evidence(url, since)
    names = [each["name"] for each in (found.status["config"] or {"providers": []})["providers"]]
    known = list(dict.fromkeys([*names, *found.providers]))
    for name in (first, second):
        if name not in known:
            raise NotSeen(
                f"there is no provider {words.clean(name)!r}; known are: {words.clean(', '.join(known)) or 'none'}"
            )
    pair = {name: found.providers.get(name, Observed()) for name in (first, second)}
    rows = list(compared.compare(pair))
    if as_json:
        click.echo(
            json.dumps(
                {"requests": found.requests, "kept_since": found.oldest, "confidence": 0.95,
                 "measures": [row.as_json() for row in rows]},
                ensure_ascii=False, indent=2,
            )
        )  # fmt: skip
        return
    console = output.console()
    console.print(*output.fitted(_columns(rows, first, second), console.width), sep="\n")
    for name, each in pair.items():
        if each.unknown_cost:
            console.print(words.state(words.WARN, words.unknown_cost(each.unknown_cost, [name])))
    console.print(
        Text(
            words.clean(
                f"{found.text} In brackets the range with 95 % confidence; medians of times, speeds and prompts. "
                "Which requests each provider gets is not chance: compare their prompts too."
            ),
            "dim",
        )
    )


def suggest(url: str, since: datetime, *, as_json: bool) -> None:
    """Print the suggestions, or that there are none.

    Raises:
        ExporterUnreachable
    """
    found = evidence(url, since)
    config = found.status["config"] or {"profiles": [], "providers": []}
    setup = Setup(
        {each["name"]: each["providers"] for each in config["profiles"]},
        frozenset(each["name"] for each in config["providers"] if each["paid"]),
    )
    suggestions = suggestions_of(found.providers, setup)
    if as_json:
        content = {
            "requests": found.requests,
            "kept_since": found.oldest,
            "suggestions": list(map(asdict, suggestions)),
        }
        click.echo(json.dumps(content, ensure_ascii=False, indent=2))
        return
    console = output.console()
    for each in suggestions:
        console.print(words.state(words.WARN, each.title), overflow="fold")
        for sentence in each.evidence:
            console.print(Padding(Text(words.clean(sentence)), (0, 0, 0, 2)))
        for line in each.change.splitlines():
            console.print(Text(f"      {words.clean(line)}", "dim" if line.startswith("#") else "cyan"))
        console.print()
    console.print(Text(words.clean(_summary(found, len(suggestions))), "dim"))


def _summary(found: Evidence, number: int) -> str:
    few = [name for name, each in found.providers.items() if len(each.tries) < statistics.COUNT_MIN]
    sentences = [found.text]
    if not found.requests:
        return "No request is kept of this time, so there is nothing to suggest."
    if not number:
        sentences.append("No suggestion: nothing is wrong that is clearly more than chance.")
    if few:
        sentences.append(f"Too few tries to judge: {words.listed(few)}.")
    return " ".join(sentences)


def _columns(rows: list[Compared], first: str, second: str) -> list[Column]:
    return [
        Column("Measure", [Text(words.clean(row.measure.name)) for row in rows]),
        *(
            Column(words.clean(name), [_value(row.measure, row.of[name]) for row in rows], fixed=True)
            for name in (first, second)
        ),
        Column("Better", [_verdict(row) for row in rows], rank=1),
    ]


def _value(measure: Measure, estimated: Estimated) -> Text:
    found, count = estimated
    if found is None:
        return Text(f"{count:,} seen", "dim")
    return Text.assemble(measure.write(found.value), (f" {measure.write_range(found)}", "dim"))


def _verdict(row: Compared) -> Text:
    return Text(words.clean(row.verdict), "bold" if row.verdict in row.of else "dim")
