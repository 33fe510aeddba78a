"""Whether a case holds: whole, streamed in pieces of any size, for clients of both wires."""

from collections.abc import Callable, Iterable, Iterator
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
    sent: frozenset[str]
    """The ways in which the text was sent."""
    held: frozenset[str]
    """Those in which the client got what it has to get."""
    has_calls: bool
    """Whether any of them made calls of it."""
    is_torn: bool
    """Whether the client gets something else in one way than in another."""

    @property
    def good(self) -> bool:
        return self.held == self.sent


def cases() -> Iterator[Case]:
    """Yield all cases."""
    yield from generated()
    yield from written()
    yield from samples()


def judge(case: Case, ways: Iterable[str] = WAYS) -> Verdict:
    """Return how a text arrives that is sent in these ways."""
    results = {way: _result(case, WAYS[way]) for way in ways}
    got = {way: result for way, result in results.items() if result is not None}
    seen = [result and _seen(case, result) for result in results.values()]
    return Verdict(
        case,
        sent=frozenset(results),
        held=frozenset(way for way, result in got.items() if holds(case, result)),
        has_calls=any(result.calls for result in got.values()),
        is_torn=any(each != seen[0] for each in seen),
    )


def _result(case: Case, send: Callable[[Case], Got]) -> Got | None:
    """Return what the client gets, or None if the relay fails."""
    try:
        return send(case)
    except Exception:  # noqa: BLE001 (one crash is one case that does not hold)
        return None


def holds(case: Case, got: Got) -> bool:
    """Return whether a client has the calls, with values of the right type, and a text that may remain."""
    return any(_seen(case, got) == _seen(case, Got(text, case.calls)) for text in case.texts)


def _seen(case: Case, got: Got) -> object:
    """Return what matters: not white space at the edges of a text, nor around a call that was taken out."""
    text = " ".join(got.text.split()) if case.kind == "call" else got.text.strip()
    return text, _typed(got.calls)


def _typed(value: object) -> object:
    """Return a value in which `1` and `True` differ; the order of keys does not matter."""
    if isinstance(value, dict):
        return {key: _typed(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_typed(part) for part in value]
    return type(value).__name__, value
