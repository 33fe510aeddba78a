"""Mends the order of turns, once for all wires.

Both APIs refuse a call without its result, a result without its call, and an empty text; agents send all three, after
an interruption or when they cut their history.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from coderouter_proxy.wires.conversation import Call, Part, Result, Text, Turn

NO_RESULT = "There is no result: the call was interrupted."
STRAY_RESULT = "Result of an earlier tool call:"
CONTINUED = "(continued)"
"""Words of a user where a wire requires some and the conversation has none."""
_CONTINUED = Turn("user", (Text(CONTINUED),))

_Place = tuple[list[Result], int]
"""Where the result of a call goes: the results of its turn, and the number among them."""


def mended(
    turns: Sequence[Turn],
    *,
    can_write: Callable[[Part], bool] = lambda _: True,
    fit_id: Callable[[str], str] = lambda call_id: call_id,
) -> tuple[Turn, ...]:
    """Return one turn at least, and no two neighbours of one role.

    Results are in the turn right behind their calls, in the order of the calls and before anything else in it; a call
    that has none gets one that says so, and a result without a call becomes text. Ids of calls are unique and those
    that `fit_id` returns. Empty texts are gone, parts that the wire cannot write, and turns of the model without any
    other; a user's turn stays, so that the model does not continue its own words.
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
    """Return the parts of both turns; texts of the model become paragraphs, for a wire may put them into one."""
    if before.role == "assistant":
        *begun, last = before.parts
        first, *rest = after.parts
        if isinstance(last, Text) and isinstance(first, Text):
            return (*begun, Text(f"{last.text}\n\n{first.text}", cache=first.cache or last.cache), *rest)
    return before.parts + after.parts


def _with_results(turns: Sequence[Turn], fit_id: Callable[[str], str]) -> list[Turn]:
    placed: list[Turn | list[Result]] = []
    awaited: dict[str, deque[_Place]] = {}  # by id, of the newest turn that has it
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
    """Return the id, or a new one in its place: some servers begin to count in every answer, or give none."""
    wanted, count = call_id or "call", 1
    unused = wanted
    while unused in used:
        count += 1
        unused = f"{wanted}_{count}"
    used.add(unused)
    return unused


def _as_text(result: Result) -> list[Part]:
    return [Text(STRAY_RESULT), *(part for part in result.parts if not _is_empty(part))]
