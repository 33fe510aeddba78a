"""Damaged lines of an event file: the exporter counts each line as something, and can always render and commit."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from coderouter_exporter.families.exporter import LINES
from coderouter_exporter.fold.fold import fold
from coderouter_exporter.records.decode import READ_BYTES_MAX, cut
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.report import report
from coderouter_exporter.render.view import View
from coderouter_exporter.state.state import State
from fuzz import mutations
from support.exporter.golden import EVENTS_1_7, EVENTS_2

LINES_AT_ONCE_MAX = 400
RENDERED_EVERY = 50_000
_SEQ = re.compile(rb'"seq":\d+')
ODD: tuple[bytes, ...] = (
    *(b"", b" ", b"\r", b"{}", b"null", b"[]", b"5", b'"text"', b"{", b"\x00" * 100, b"\xef\xbb\xbf{}"),
    *(b"[" * 2000, b'{"ts":' * 500, b'{"ts":"x","msg":5}', b'{"msg":"request-finished"}', b"x" * 70_000),
    *(b'{"msg":"request-finished","duration_s":1e400}', b'{"msg":"request-finished","input_tokens":1e300}'),
    *(
        b'{"msg":"try-provider","provider":"\\ud83d"}',
        b'{"msg":"try-provider","writer":"w","seq":9007199254740993}',
    ),
    *(
        b'{"ts":"9999-99-99T99:99:99.999Z","msg":"try-provider"}',
        b'{"ts":-1,"msg":"proxy-heartbeat","writer":[]}',
    ),
)


@dataclass
class Result:
    results: Counter[str] = field(default_factory=Counter)
    """Lines by what the exporter counted them as."""
    wrong: list[str] = field(default_factory=list)


def run(lines_max: int, seed: str) -> Result:
    result = Result()
    state = State(created_ts=0.0)
    done = 0
    while done < lines_max:
        dice = random.Random(f"lines-{seed}-{done}")
        number = min(dice.randint(1, LINES_AT_ONCE_MAX), lines_max - done)
        lines = [_line(dice, done + at + 1) for at in range(number)]
        before = _counted(state)
        try:
            given = _fold(state, b"\n".join(lines) + b"\n")
            counted = _counted(state) - before
            assert counted >= given, f"{given} lines, {counted} of them counted"
            if done // RENDERED_EVERY != (done + len(lines)) // RENDERED_EVERY:
                state = _rendered(state)
        except Exception as error:  # noqa: BLE001 - whatever a line makes fail is a finding
            result.wrong.append(f"lines from {done}: {type(error).__name__}: {error}")
        done += len(lines)
    for (reason,), number in state.totals(LINES).items():
        result.results[reason] += number
    return result


def _line(dice: random.Random, seq: int) -> bytes:
    line = dice.choice(_SOUND) if dice.random() < 0.95 else dice.choice(ODD)
    line = _SEQ.sub(b'"seq":%d' % (seq if dice.random() < 0.95 else dice.randint(1, seq)), line)
    for _ in range(dice.choice((0, 0, 1, 1, 1, 2, 3))):
        damage = mutations.damaged_bytes if dice.random() < 0.3 else mutations.damaged_json
        line = damage(line, dice)
    if dice.random() < 0.03:
        line += dice.choice(_SOUND)  # behind what a killed writer left
    return line


def _fold(state: State, data: bytes) -> int:
    """Fold the data as they are read from a file, and return the number of lines in them."""
    skipping = False
    at = 0
    while at < len(data):
        chunk, skipping = cut(data[at : at + READ_BYTES_MAX], skipping=skipping)
        fold(state, chunk)
        assert chunk.bytes_read, "what is left is never read"
        at += chunk.bytes_read
    return data.count(b"\n")


def _rendered(state: State) -> State:
    """Return the state as it is read after a restart."""
    committed = State.decode(state.encode())
    assert committed.encode() == state.encode(), "another state after a restart"
    view = View(state=committed, now_ts=committed.last_event_ts)
    for form in (Format.TEXT, Format.OPENMETRICS):
        assert render(view, form)
    assert report(view)
    return committed


def _counted(state: State) -> int:
    return sum(state.totals(LINES).values())


def _sound() -> Iterator[bytes]:
    for path in (EVENTS_1_7, EVENTS_2):
        yield from path.read_bytes().splitlines()


_SOUND = tuple(_sound())
