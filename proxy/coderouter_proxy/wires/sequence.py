"""Repairs the order of turns, once for all wires.

Both APIs reject a call without its result, a result without its call, and empty text; agents send all three, after an
interruption or when they truncate their history.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from coderouter_proxy.wires import neighbours
from coderouter_proxy.wires.conversation import Call, Part, Result, Role, Text, Turn, with_parts

NO_RESULT = "There is no result: the call was interrupted."
STRAY_RESULT = "Result of an earlier tool call:"
CONTINUED = "(continued)"
"""What the user says if the wire requires a text and the conversation has none."""
_CONTINUED = Turn("user", (Text(CONTINUED),))
_NO_RESULT = (Text(NO_RESULT),)

CanWrite = Callable[[Part, Role], bool]
"""Whether a wire can write this part of a turn of this role; all wires can write text, calls and results."""

_Place = tuple[list[Part], int, str]
"""Where the result of a call belongs: the results of its turn, the index among them, and the id of the call."""


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
    settled = _with_results(_alternating(list(_without_empty(turns, can_write))), can_write, fit_id)
    return tuple(turn if turn.parts else _CONTINUED for turn in settled) or (_CONTINUED,)


def _without_empty(turns: Iterable[Turn], can_write: CanWrite) -> Iterator[Turn]:
    for turn in turns:
        parts = [kept for part in turn.parts if (kept := _kept(part, turn.role, can_write)) is not None]
        if parts or turn.role == "user":
            yield with_parts(turn, parts)


def _kept(part: Part, role: Role, can_write: CanWrite) -> Part | None:
    """Return the part, a result without the empty texts in it; None for an empty text, or if it cannot be written."""
    match part:
        case Text():
            return None if _is_empty(part) else part
        case Call():
            return part
        case Result():
            if not any(map(_is_empty, part.parts)):
                return part
            return replace(part, parts=tuple(inner for inner in part.parts if not _is_empty(inner)))
    return part if can_write(part, role) else None


def _is_empty(part: Part) -> bool:
    return isinstance(part, Text) and not part.text.strip()


def _alternating(turns: Sequence[Turn]) -> Sequence[Turn]:
    return neighbours.merged(turns, [turn.role for turn in turns], _merged)


def _merged(turns: Sequence[Turn]) -> Turn:
    parts: list[Part] = []
    for turn in turns:
        parts.extend(_behind(parts, turn))
    return Turn(turns[0].role, tuple(parts))


def _behind(before: Sequence[Part], turn: Turn) -> Iterable[Part]:
    """Return the parts of the turn; adjacent text of the model begins a paragraph, as a wire may join both."""
    if turn.role == "assistant" and before and isinstance(before[-1], Text):
        first, *rest = turn.parts
        if isinstance(first, Text):
            return replace(first, text=f"\n\n{first.text}"), *rest
    return turn.parts


def _with_results(
    turns: Iterable[Turn], can_write: CanWrite, fit_id: Callable[[str], str] | None
) -> Sequence[Turn]:
    placed: list[tuple[Role, list[Part]]] = []
    awaited: dict[str, deque[_Place]] = {}  # by id, in the latest turn that has it
    used: dict[str, int] = {}
    for turn in turns:
        others: list[Part] = []
        answers: list[Part] = []
        places: dict[str, deque[_Place]] = {}
        for part in turn.parts:
            if isinstance(part, Result):
                if waiting := awaited.get(part.call_id):
                    results, number, call_id = waiting.popleft()
                    results[number] = _answering(part, call_id)
                else:
                    others += (each for each in _as_text(part) if can_write(each, turn.role))
            elif isinstance(part, Call) and turn.role == "assistant":
                call = _with_id(part, _unused(fit_id(part.id), used)) if fit_id else part
                others.append(call)
                places.setdefault(part.id, deque()).append((answers, len(answers), call.id))
                answers.append(Result(call.id, _NO_RESULT, is_error=True))
            else:
                others.append(part)
        if turn.role == "user" and placed and placed[-1][0] == "user":
            placed[-1][1].extend(others)  # behind the results
        elif others or turn.role == "user":
            placed.append((turn.role, others))
        if answers:
            placed.append(("user", answers))
            awaited |= places
    return _alternating([Turn(role, tuple(parts)) for role, parts in placed])


def _with_id(call: Call, call_id: str) -> Call:
    return call if call.id == call_id else replace(call, id=call_id)


def _answering(result: Result, call_id: str) -> Result:
    return result if result.call_id == call_id else replace(result, call_id=call_id)


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
