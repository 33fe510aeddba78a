"""Repairs the order of turns, once for all wires.

Both APIs reject a call without its result, a result without its call, and empty text; agents send all three, after an
interruption or when they truncate their history.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from coderouter_proxy.wires.conversation import Call, Part, Result, Text, Turn

NO_RESULT = "There is no result: the call was interrupted."
STRAY_RESULT = "Result of an earlier tool call:"
CONTINUED = "(continued)"
"""What the user says if the wire requires a text and the conversation has none."""
_CONTINUED = Turn("user", (Text(CONTINUED),))

_Place = tuple[list[Result], int]
"""Where the result of a call belongs: the results of its turn, and the index among them."""


def mended(
    turns: Sequence[Turn],
    *,
    can_write: Callable[[Part], bool] = lambda _: True,
    fit_id: Callable[[str], str] = lambda call_id: call_id,
) -> tuple[Turn, ...]:
    """Return at least one turn, and never two in a row of the same role.

    Results come first in the turn after their calls, in the order of the calls; a call without a result gets one that
    says so, and a result without a call becomes text. Ids of calls are unique, and as `fit_id` returns them. Empty
    text, parts that the wire cannot write, and turns of the model with nothing else are removed; a user's turn stays,
    so that the model does not continue its own text.
    """
    settled = _with_results(_merged(_without_empty(turns, can_write)), fit_id)
    return tuple(turn if turn.parts else _CONTINUED for turn in settled) or (_CONTINUED,)


def _without_empty(turns: Iterable[Turn], can_write: Callable[[Part], bool]) -> list[Turn]:
    kept = [
        replace(turn, parts=tuple(part for part in turn.parts if can_write(part) and not _is_empty(part)))
        for turn in turns
    ]
    return [turn for turn in kept if turn.parts or turn.role == "user"]


def _is_empty(part: Part) -> bool:
    return isinstance(part, Text) and not part.text.strip()


def _merged(turns: Sequence[Turn]) -> list[Turn]:
    merged: list[Turn] = []
    for turn in turns:
        if merged and merged[-1].role == turn.role != "system":
            merged[-1] = Turn(turn.role, _both(merged[-1], turn))
        else:
            merged.append(turn)
    return merged


def _both(before: Turn, after: Turn) -> tuple[Part, ...]:
    """Return the parts of both turns; adjacent texts of the model become paragraphs of one, as a wire may join them."""
    if before.role == "assistant":
        *begun, last = before.parts
        first, *rest = after.parts
        if isinstance(last, Text) and isinstance(first, Text):
            return (*begun, Text(f"{last.text}\n\n{first.text}", cache=first.cache or last.cache), *rest)
    return before.parts + after.parts


def _with_results(turns: Sequence[Turn], fit_id: Callable[[str], str]) -> list[Turn]:
    placed: list[Turn | list[Result]] = []
    awaited: dict[str, deque[_Place]] = {}  # by id, in the latest turn that has it
    used: set[str] = set()
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
                    others += _as_text(part)
            elif isinstance(part, Call) and turn.role == "assistant":
                call = replace(part, id=_unused(fit_id(part.id), used))
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


def _unused(call_id: str, used: set[str]) -> str:
    """Return the id, or another one if it is taken: some servers restart numbering in every answer, or send none."""
    wanted, count = call_id or "call", 1
    unused = wanted
    while unused in used:
        count += 1
        unused = f"{wanted}_{count}"
    used.add(unused)
    return unused


def _as_text(result: Result) -> list[Part]:
    return [Text(STRAY_RESULT), *(part for part in result.parts if not _is_empty(part))]
