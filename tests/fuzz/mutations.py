"""Damage an answer: its events, the values in them, their bytes, their framing, and where they are cut."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

Events = list[bytes]

VALUES: tuple[Any, ...] = (
    None,
    "",
    0,
    -1,
    2**64,
    1e308,
    True,
    [],
    {},
    [[]],
    {"x": {"y": [1, None]}},
    "text",
    "\ud83d",
    "\ude00",
    "error",
    "stop",
    "length",
    "tool_calls",
    "<think>",
    "</think>",
    "<tool_call>",
    '{"name": "read_file", "arguments": {"path": "x"}}',
    "a" * 5000,
    "\u0000",
    "\n\ndata: [DONE]\n\n",
)
KEYS = (
    *("index", "id", "type", "name", "arguments", "function", "tool_calls", "content", "delta", "choices"),
    *("usage", "error", "message", "detail", "code", "object", "finish_reason", "reasoning_content", "text"),
    *("function_call", "content_block", "stop_reason", "partial_json", "thinking", "signature", "input"),
)
TOKENS = (
    *(b"data: ", b"\n\n", b"\r\n\r\n", b"\r\r", b"data:\n\n", b": ping\n\n", b"event: error\n", b"[DONE]"),
    *(b"\xef\xbb\xbf", b"\x00", b"\xff\xfe", b'"', b"{", b"}", b"[" * 600, b"NaN", b"Infinity", b"\\ud83d"),
    *(b'data: {"error":"boom"}\n\n', b'data: {"object":"error","message":"boom","code":400}\n\n'),
    *(b'data: {"detail":"boom"}\n\n', b"data: {}\n\n", b"data: null\n\n", b"data: []\n\n", b"retry: 1\n"),
    *(b"<|im_end|>" * 40, b"<think>" * 40, b"<tool_call>" * 40, b"`" * 90, b"<0xE3>"),
)


def events(sound: Events, dice: random.Random) -> Events:
    """Return the events with a few mutations; none in one of ten cases."""
    mutated = sound
    for _ in range(dice.choice((0, 1, 1, 1, 2, 2, 3, 5, 8, 13))):
        if mutated:
            mutated = dice.choice(_OF_EVENTS)(list(mutated), dice)
    return mutated


def body(sound: bytes, dice: random.Random) -> bytes:
    """Return a whole answer with a few mutations."""
    mutated = sound
    for _ in range(dice.choice((0, 1, 1, 2, 3, 5))):
        mutated = dice.choice((damaged_bytes, damaged_json, damaged_json))(mutated, dice)
    return mutated


def cut(data: bytes, dice: random.Random) -> list[bytes]:
    """Return the bytes in pieces: at once, event by event, at random places, or byte by byte."""
    match dice.randrange(4):
        case 0:
            return [data] if data else []
        case 1:
            return [event + b"\n\n" for event in data.split(b"\n\n") if event]
        case 2:
            places = sorted({dice.randrange(len(data) + 1) for _ in range(dice.randint(1, 9))})
            starts = [0, *places]
            pieces = [data[start:end] for start, end in zip(starts, [*places, len(data)], strict=True)]
            return [piece for piece in pieces if piece]
        case _:
            return [data[at : at + 1] for at in range(min(len(data), 400))] + (
                [data[400:]] if data[400:] else []
            )


def _drop(events: Events, dice: random.Random) -> Events:
    del events[dice.randrange(len(events))]
    return events


def _repeat(events: Events, dice: random.Random) -> Events:
    at = dice.randrange(len(events))
    return [*events[:at], *[events[at]] * dice.choice((2, 2, 3, 40)), *events[at + 1 :]]


def _swap(events: Events, dice: random.Random) -> Events:
    one, other = dice.randrange(len(events)), dice.randrange(len(events))
    events[one], events[other] = events[other], events[one]
    return events


def _end_early(events: Events, dice: random.Random) -> Events:
    return events[: dice.randrange(len(events))]


def _damage_json(events: Events, dice: random.Random) -> Events:
    at = dice.randrange(len(events))
    name, found, data = events[at].partition(b"data: ")
    if found:
        events[at] = name + b"data: " + damaged_json(data.rstrip(b"\n"), dice) + b"\n\n"
    return events


def _damage_bytes(events: Events, dice: random.Random) -> Events:
    at = dice.randrange(len(events))
    events[at] = damaged_bytes(events[at], dice)
    return events


def _insert(events: Events, dice: random.Random) -> Events:
    events.insert(dice.randrange(len(events) + 1), dice.choice(TOKENS))
    return events


def _reframe(events: Events, dice: random.Random) -> Events:
    old, new = dice.choice(
        (
            (b"\n", b"\r\n"),
            (b"\n", b"\r"),
            (b"data: ", b"data:"),
            (b"data: ", b"id: 7\ndata: "),
            (b"data: ", b": comment\ndata: "),
            (b"data: ", b"data:\n\ndata: "),
            (b"event: ", b"data: {}\n\nevent: "),
            (b',"', b',\ndata: "'),
        )
    )
    return [event.replace(old, new) for event in events]


def damaged_json(data: bytes, dice: random.Random) -> bytes:
    """Replace, remove or add one value."""
    try:
        decoded = json.loads(data)
    except (ValueError, RecursionError):
        return data
    places = list(_places(decoded))
    if not places:
        return json.dumps(dice.choice(VALUES)).encode()
    holder, key = dice.choice(places)
    match dice.randrange(4):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[dice.choice(KEYS)] = dice.choice(VALUES)
        case 2 if isinstance(holder, dict):
            holder[dice.choice(KEYS)] = holder[key]
        case _:
            holder[key] = dice.choice(VALUES)
    return json.dumps(decoded).encode()


def damaged_bytes(data: bytes, dice: random.Random) -> bytes:
    """Flip, remove or add some bytes."""
    at = dice.randrange(len(data) + 1)
    match dice.randrange(4):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + dice.choice(TOKENS) + data[at:]
        case 2:
            return data[:at] + data[at + dice.randint(1, 9) :]
        case _:
            return data[:at] + bytes([dice.randrange(256)]) + data[at + 1 :]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


_OF_EVENTS: tuple[Callable[[Events, random.Random], Events], ...] = (
    _drop,
    _repeat,
    _swap,
    _end_early,
    _damage_json,
    _damage_json,
    _damage_json,
    _damage_bytes,
    _insert,
    _insert,
    _reframe,
)
