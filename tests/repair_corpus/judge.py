"""Whether a case holds: whole, streamed in pieces of any size, for clients of both wires."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from repair_corpus.calls import generated
from repair_corpus.case import Case
from repair_corpus.drive import Got, streamed, whole
from repair_corpus.samples import samples
from repair_corpus.written import written

WAYS: dict[str, Callable[[Case], Got]] = {
    "whole": partial(whole, ingress="openai"),
    "whole to Anthropic": partial(whole, ingress="anthropic"),
    "by 1": partial(streamed, ingress="openai", piece_chars=1),
    "by 7": partial(streamed, ingress="anthropic", piece_chars=7),
    "by 1000": partial(streamed, ingress="openai", piece_chars=1000),
}
"""Ways to send a text; the numbers are characters in a piece."""


@dataclass(frozen=True)
class Verdict:
    case: Case
    held: frozenset[str]
    """The ways in which the client got what it has to get."""
    has_calls: bool
    """Whether any way made calls of it."""

    @property
    def good(self) -> bool:
        return self.held == WAYS.keys()


def cases() -> Iterator[Case]:
    yield from generated()
    yield from written()
    yield from samples()


def judge(case: Case) -> Verdict:
    results = {way: _result(case, send) for way, send in WAYS.items()}
    held = frozenset(way for way, got in results.items() if got is not None and holds(case, got))
    return Verdict(case, held, any(got is not None and bool(got.calls) for got in results.values()))


def _result(case: Case, send: Callable[[Case], Got]) -> Got | None:
    """Return what the client gets, or None if the relay fails."""
    try:
        return send(case)
    except Exception:  # noqa: BLE001 (one crash is one case that does not hold)
        return None


def holds(case: Case, got: Got) -> bool:
    """Return whether a client has the calls, with values of the right type, and a text that may remain."""
    return _typed(got.calls) == _typed(case.calls) and _edges(case, got.text) in {
        _edges(case, text) for text in case.texts
    }


def _typed(value: object) -> object:
    """Return a value that differs where `1 == True` does not; the order of keys does not matter."""
    if isinstance(value, dict):
        return {key: _typed(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_typed(part) for part in value]
    return (type(value).__name__, value)


def _edges(case: Case, text: str) -> str:
    """White space around a call that was taken out does not matter, nor any at the edges of a text."""
    return " ".join(text.split()) if case.kind == "call" else text.strip()
