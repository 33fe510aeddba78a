"""Answers with the calls `ls {"a": 1}` and `rm {"b": [2]}` as servers really write them, by what is wrong with them."""

from typing import Any

Body = dict[str, Any]

LS, RM = ("ls", {"a": 1}), ("rm", {"b": [2]})


def part(arguments: object = None, name: str | None = None, **more: object) -> Body:
    function = {"name": name} if name is not None else {}
    return {**more, "function": {**function, **({} if arguments is None else {"arguments": arguments})}}


def first(index: int, call_id: str, name: str, arguments: str = "") -> Body:
    return part(arguments, name, index=index, id=call_id, type="function")


ON_SPEC = [first(0, "1", "ls"), part('{"a"', index=0), part(":1}", index=0)]
ON_SPEC += [first(1, "2", "rm"), part('{"b":[2]}', index=1)]

STREAMED: dict[str, list[Body]] = {
    "without index, in whole": [
        part('{"a":1}', "ls", id="1", type="function"),
        part('{"b":[2]}', "rm", id="2", type="function"),
    ],
    "without index, in pieces": [
        part("", "ls", id="1", type="function"),
        part('{"a":'),
        part("1}"),
        part("", "rm", id="2", type="function"),
        part('{"b":[2]}'),
    ],
    "without index and id": [part('{"a":1}', "ls"), part('{"b":', "rm"), part("[2]}")],
    "without index, ids in each": [
        part('{"a":', "ls", id="1"),
        part('{"b":', "rm", id="2"),
        part("1}", id="1"),
        part("[2]}", id="2"),
    ],
    "both with index 0": [
        first(0, "1", "ls"),
        part('{"a":1}', index=0),
        first(0, "2", "rm"),
        part('{"b":', index=0),
        part("[2]}", index=0),
    ],
    "both with index 0 and no id": [
        part('{"a":1}', "ls", index=0, type="function"),
        part('{"b":[2]}', "rm", index=0, type="function"),
    ],
    "both with the same id": [
        first(0, "1", "ls", '{"a":1}'),
        first(1, "1", "rm", '{"b":[2]}'),
    ],
    "from index 1 on": [first(1, "1", "ls", '{"a":1}'), first(2, "2", "rm", '{"b":[2]}')],
    "index in words": [
        part('{"a":1}', "ls", index="0", id="1", type="function"),
        part('{"b":[2]}', "rm", index="1", id="2", type="function"),
    ],
    "index in words, in pieces": [
        part("", "ls", index="0", id="1", type="function"),
        part("", "rm", index="1", id="2", type="function"),
        part('{"a":1}', index="0"),
        part('{"b":[2]}', index="1"),
    ],
    "without an object around name and arguments": [
        {"index": 0, "id": "1", "name": "ls", "arguments": '{"a":'},
        {"index": 0, "arguments": "1}"},
        {"index": 1, "id": "2", "name": "rm", "arguments": {"b": [2]}},
    ],
    "blanks before the arguments": [
        first(0, "1", "ls", " \n"),
        part('{"a":1}', index=0),
        first(1, "2", "rm", "null"),
        part('{"b":[2]}', index=1),
    ],
    "index with a decimal point, names with blanks": [
        part("", "ls\n", index=0.0, id="1", type="function"),
        part("", " rm", index=1.0, id="2", type="function"),
        part('{"a":1}', index=0.0),
        part('{"b":[2]}', index=1.0),
    ],
    "arguments as JSON in a string": [
        first(0, "1", "ls", '"{\\"a'),
        part('\\":1}"', index=0),
        first(1, "2", "rm", '"{\\"b\\":[2]}"'),
    ],
    "name and id in each": [
        part('{"a"', "ls", index=0, id="1", type="function"),
        part(":1}", "ls", index=0, id="1", type="function"),
        part('{"b":', "rm", index=1, id="2", type="function"),
        part("[2]}", "rm", index=1, id="2", type="function"),
    ],
    "cumulative arguments": [
        first(0, "1", "ls", '{"a'),
        part('{"a":1}', index=0),
        part('{"a":1}', index=0),
        first(1, "2", "rm"),
        part('{"b":', index=1),
        part('{"b":[2]}', index=1),
    ],
    "arguments as objects": [
        part({"a": 1}, "ls", index=0, id="1", type="function"),
        part({"b": [2]}, "rm", index=1, id="2", type="function"),
    ],
    "without id": [
        part('{"a":1}', "ls", index=0, type="function"),
        part('{"b":[2]}', "rm", index=1, id="", type="function"),
    ],
    "without type": [
        part('{"a":1}', "ls", index=0, id="1"),
        part('{"b":[2]}', "rm", index=1, id="2", type=None),
    ],
    "the name after the arguments": [
        part('{"a":', index=0, id="1"),
        part("1}", "ls", index=0),
        first(1, "2", "rm", '{"b":[2]}'),
    ],
    "a piece without a function": [
        first(0, "1", "ls", '{"a":1}'),
        {"index": 0, "function": None},
        {"index": 0},
        first(1, "2", "rm", '{"b":[2]}'),
    ],
}
"""Parts of calls, one for each chunk."""

WHOLE: dict[str, list[Body]] = {
    "arguments as objects": [
        part({"a": 1}, "ls", id="1", type="function"),
        part({"b": [2]}, "rm", id="2", type="function"),
    ],
    "without id": [part('{"a":1}', "ls", type="function"), part('{"b":[2]}', "rm", id="", type="function")],
    "without type": [part('{"a":1}', "ls", id="1"), part('{"b":[2]}', "rm", id="2", type=None)],
    "both with the same id": [
        part('{"a":1}', "ls", id="1", type="function"),
        part('{"b":[2]}', "rm", id="1", type="function"),
    ],
    "with index 0 and nothing else": [part('{"a":1}', "ls", index=0), part('{"b":[2]}', "rm", index=0)],
    "without an object around name and arguments": [
        {"id": "1", "name": "ls", "arguments": {"a": 1}},
        {"id": "2", "type": "function", "name": "rm", "arguments": '{"b":[2]}'},
    ],
    "arguments as JSON in a string": [
        part('"{\\"a\\":1}"', "ls", id="1", type="function"),
        part('{"b":[2]}', "rm", id="2", type="function"),
    ],
    "with what is no call": [
        part('{"a":1}', "ls", id="1", type="function"),
        part("{}", id="3", type="function"),
        part('{"b":[2]}', "rm", id="2", type="function"),
    ],
}
"""Calls of a whole message."""
