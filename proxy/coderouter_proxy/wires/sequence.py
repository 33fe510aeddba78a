"""Mends the order of turns, once for all wires.

Both APIs refuse a call without its result, a result without its call, and an empty text; agents send all three, after
an interruption or when they cut their history.
"""

from collections.abc import Iterable, Sequence

from coderouter_proxy.wires.conversation import Call, Part, Result, Text, Turn

NO_RESULT = "There is no result: the call was interrupted."
STRAY_RESULT = "Result of an earlier tool call:"


def mended(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Return turns of which no two neighbours have one role.

    Results are in the turn right behind their calls, in the order of the calls and before anything else in it; a call
    that has none gets one that says so, and a result without a call becomes text. Texts that are empty are gone, and
    turns that have nothing else.
    """
    return tuple(_with_results(_merged(_without_empty(turns))))


def _without_empty(turns: Iterable[Turn]) -> list[Turn]:
    kept = [Turn(turn.role, tuple(part for part in turn.parts if not _is_empty(part))) for turn in turns]
    return [turn for turn in kept if turn.parts]


def _is_empty(part: Part) -> bool:
    return isinstance(part, Text) and not part.text.strip()


def _merged(turns: Sequence[Turn]) -> list[Turn]:
    merged: list[Turn] = []
    for turn in turns:
        if merged and merged[-1].role == turn.role != "system":
            merged[-1] = Turn(turn.role, merged[-1].parts + turn.parts)
        else:
            merged.append(turn)
    return merged


def _with_results(turns: Sequence[Turn]) -> list[Turn]:
    placed: list[Turn | list[Result]] = []
    awaited: dict[str, tuple[list[Result], int]] = {}  # by id of the newest call: where its result goes
    for turn in turns:
        others: list[Part] = []
        for part in turn.parts:
            if not isinstance(part, Result):
                others.append(part)
            elif (place := awaited.pop(part.call_id, None)) is not None:
                answers, number = place
                answers[number] = part
            else:
                others += _as_text(part)
        if others:
            placed.append(Turn(turn.role, tuple(others)))
        if turn.role == "assistant" and (calls := [part for part in others if isinstance(part, Call)]):
            answers = [Result(call.id, (Text(NO_RESULT),), is_error=True) for call in calls]
            awaited |= {call.id: (answers, number) for number, call in enumerate(calls)}
            placed.append(answers)
    return _merged([Turn("user", tuple(each)) if isinstance(each, list) else each for each in placed])


def _as_text(result: Result) -> list[Part]:
    return [Text(STRAY_RESULT), *(part for part in result.parts if not _is_empty(part))]
