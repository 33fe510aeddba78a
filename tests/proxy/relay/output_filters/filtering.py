"""Run filters on a text that arrives in pieces."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, groupby
from typing import get_args

from coderouter_proxy.config.provider import OutputFilter
from coderouter_proxy.relay.output_filters.filter import Thought
from coderouter_proxy.relay.output_filters.filters import in_order
from coderouter_proxy.relay.text import FilterText, Stages

ALL: tuple[OutputFilter, ...] = get_args(OutputFilter)


@dataclass(frozen=True)
class Outcome:
    text: str
    thoughts: tuple[str, ...]
    """Thinking with text between is apart."""
    applied: tuple[str, ...]


def filtered(names: Iterable[OutputFilter], *pieces: str) -> Outcome:
    stages = Stages([FilterText(name) for name in in_order(names)])
    results = chain(*[stages.feed(piece) for piece in pieces], stages.end())
    runs = [(kind, list(run)) for kind, run in groupby(results, type)]
    texts = [piece for kind, run in runs if kind is str for piece in run if isinstance(piece, str)]
    thoughts = [
        "".join(piece.text for piece in run if isinstance(piece, Thought))
        for kind, run in runs
        if kind is Thought
    ]
    return Outcome("".join(texts), tuple(thoughts), stages.changes().filters)


def pieces_of(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def filtered_anyhow(names: Iterable[OutputFilter], text: str) -> Outcome:
    """Return the outcome, which is the same however the text is split."""
    names = tuple(names)
    outcome = filtered(names, text)
    for size in (1, 2, 3, 7, 1000):
        assert filtered(names, *pieces_of(text, size)) == outcome, size
    for cut in range(len(text) + 1):
        assert filtered(names, text[:cut], text[cut:]) == outcome, cut
    return outcome
