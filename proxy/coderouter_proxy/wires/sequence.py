"""Repairs the order of turns, once for all wires.

Both APIs reject a call without its result, a result without its call, and empty text; agents send all three, after an
interruption or when they truncate their history.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from coderouter_proxy.wires.conversation import Call, Part, Result, Role, Text, Turn

NO_RESULT = "There is no result: the call was interrupted."
STRAY_RESULT = "Result of an earlier tool call:"
CONTINUED = "(continued)"
"""What the user says if the wire requires a text and the conversation has none."""
_CONTINUED = Turn("user", (Text(CONTINUED),))

CanWrite = Callable[[Part, Role], bool]
"""Whether a wire can write this part of a turn of this role."""

_Place = tuple[list[Result], int]
"""Where the result of a call belongs: the results of its turn, and the index among them."""


def mended(
    turns: Iterable[Turn],
    *,
    can_write: CanWrite = lambda _part, _role: True,
    fit_id: Callable[[str], str] | None = None,
) -> tuple[Turn, ...]:
    """Return at least one turn, and never two in a row of the same role.

    Results come first in the turn after their calls, in the order of the calls; a call without a result gets one that
    says so, and a result without a call becomes text. With `fit_id`, ids of calls are unique, and as it returns them.
    Empty text, parts that the wire cannot write, and turns of the model with nothing else are removed; a user's turn
    stays, so that the model does not continue its own text.
    """
    settled = _with_results(_merged(_without_empty(turns, can_write)), can_write, fit_id)
    return tuple(turn if turn.parts else _CONTINUED for turn in settled) or (_CONTINUED,)


def _without_empty(turns: Iterable[Turn], can_write: CanWrite) -> Iterator[Turn]:
    for turn in turns:
        kept = (part for part in turn.parts if can_write(part, turn.role) and not _is_empty(part))
        parts = tuple(map(_full, kept))
        if parts or turn.role == "user":
            yield Turn(turn.role, parts)


def _full(part: Part) -> Part:
    """Return the part, a result without the empty texts in it."""
    if not isinstance(part, Result) or not any(map(_is_empty, part.parts)):
        return part
    return replace(part, parts=tuple(inner for inner in part.parts if not _is_empty(inner)))


def _is_empty(part: Part) -> bool:
    return isinstance(part, Text) and not part.text.strip()


def _merged(turns: Iterable[Turn]) -> list[Turn]:
    merged: list[tuple[Role, list[Part]]] = []
    for turn in turns:
        if merged and merged[-1][0] == turn.role != "system":
            merged[-1][1].extend(_behind(merged[-1][1], turn))
        else:
            merged.append((turn.role, list(turn.parts)))
    return [Turn(role, tuple(parts)) for role, parts in merged]


def _behind(before: Sequence[Part], turn: Turn) -> Iterable[Part]:
    """Return the parts of the turn; adjacent text of the model begins a paragraph, as a wire may join both."""
    if turn.role == "assistant" and before and isinstance(before[-1], Text):
        first, *rest = turn.parts
        if isinstance(first, Text):
            return replace(first, text=f"\n\n{first.text}"), *rest
    return turn.parts


def _with_results(
    turns: Iterable[Turn], can_write: CanWrite, fit_id: Callable[[str], str] | None
) -> list[Turn]:
    placed: list[Turn | list[Result]] = []
    awaited: dict[str, deque[_Place]] = {}  # by id, in the latest turn that has it
    used: dict[str, int] = {}
    for turn in turns:
        others: list[Part] = []
        answers: list[Result] = []
        places: dict[str, deque[_Place]] = defaultdict(deque)
        for part in turn.parts:
            if isinstance(part, Result):
                if waiting := awaited.get(part.call_id):
                    results, number = waiting.popleft()
                    results[number] = replace(part, call_id=results[number].call_id)
                else:
                    others += (each for each in _as_text(part) if can_write(each, turn.role))
            elif isinstance(part, Call) and turn.role == "assistant":
                call = replace(part, id=_unused(fit_id(part.id), used)) if fit_id else part
                others.append(call)
                places[part.id].append((answers, len(answers)))
                answers.append(Result(call.id, (Text(NO_RESULT),), is_error=True))
            else:
                others.append(part)
        awaited |= places
        if others or turn.role == "user":
            placed.append(Turn(turn.role, tuple(others)))
        if answers:
            placed.append(answers)
    return _merged([Turn("user", tuple(each)) if isinstance(each, list) else each for each in placed])


def _unused(call_id: str, used: dict[str, int]) -> str:
    """Return the id, or another one if it is taken: some servers restart numbering in every answer, or send none.

    `used` counts by id how often it was requested.
    """
    wanted = unused = call_id or "call"
    while unused in used:
        used[wanted] += 1
        unused = f"{wanted}_{used[wanted]}"
    used[unused] = 1
    return unused


def _as_text(result: Result) -> list[Part]:
    return [Text(STRAY_RESULT), *result.parts]
