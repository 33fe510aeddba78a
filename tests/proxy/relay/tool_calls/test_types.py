"""Arguments have the types of the tool's schema."""

from typing import Any

import orjson
import pytest

from coderouter_proxy.relay.tool_calls.repair import Repairer, TextualCall
from proxy.relay.tool_calls.samples import fed

STRING = {"type": "string"}
INTEGER = {"type": "integer"}


def read_with(schema: object, text: str) -> object:
    """Return the argument `p` of the call in a text, by the schema of `p`."""
    properties = {} if schema is None else {"p": schema}
    tool: dict[str, Any] = {"type": "object", "properties": properties, "$defs": {"line": INTEGER}}
    [call] = [item for item in fed(Repairer({"read": tool}), text) if isinstance(item, TextualCall)]
    return orjson.loads(call.arguments)["p"]


@pytest.mark.parametrize(
    ("schema", "written", "value"),
    [
        (STRING, "41", "41"), (STRING, "true", "true"), (STRING, '{"name": "x"}', '{"name": "x"}'),
        (STRING, "\n/a\n", "/a"), (STRING, "\n\n a \n\n", "\n a \n"), (STRING, "", ""), (STRING, "\n", ""),
        (STRING, "a\n", "a\n"), (STRING, "a < b </p>", "a < b </p>"), (STRING, "<![CDATA[a & <b>]]>", "a & <b>"),
        (STRING, "in </parameter> text", "in </parameter> text"), (STRING, "null", "null"),
        (INTEGER, "41", 41), (INTEGER, "\n-7\n", -7), (INTEGER, "3.0", 3), (INTEGER, "3.5", "3.5"),
        (INTEGER, "x", "x"), ({"type": "number"}, "0.5", 0.5), ({"type": "number"}, "2", 2),
        ({"type": "number"}, "1e400", "1e400"), ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "False", False), ({"type": "boolean"}, "1", "1"),
        ({"type": "array"}, '["a", 1]', ["a", 1]), ({"type": "array"}, "['a', True,]", ["a", True]),
        ({"type": "array", "items": STRING}, "[1]", ["1"]), ({"type": "object"}, "{'a': None}", {"a": None}),
        ({"type": "array"}, "a, b", "a, b"), ({"type": "object"}, "[1]", "[1]"),
        ({"type": ["string", "null"]}, "null", None), ({"type": ["string", "null"]}, "None", None),
        ({"type": ["string", "null"]}, "41", "41"), ({"type": ["string", "integer"]}, "41", "41"),
        ({"type": ["integer", "string"]}, "41", 41), ({"anyOf": [STRING, {"type": "array"}]}, '["a"]', ["a"]),
        ({"anyOf": [INTEGER, {"type": "null"}]}, "4", 4), ({"oneOf": [{"type": "boolean"}, STRING]}, "true", True),
        ({"enum": [1, 2]}, "2", 2), ({"enum": ["1", "2"]}, "2", "2"), ({"const": True}, "true", True),
        ({"$ref": "#/$defs/line"}, "7", 7), ({"$ref": "#/$defs/none"}, "7", "7"), ({"$ref": "#"}, '{"p": 1}', {"p": 1}),
        (None, "41", "41"), (None, "true", "true"), (None, '{"a": [1]}', {"a": [1]}), (None, "[]", []),
        (None, "[x", "[x"),
    ],
)  # fmt: skip
def test_a_parameter_in_a_tag_is_text_unless_the_schema_says_otherwise(
    schema: dict[str, Any] | None, written: str, value: object
) -> None:
    got = read_with(schema, f"<function=read><parameter=p>{written}</parameter></function>")
    assert (type(got), got) == (type(value), value)


@pytest.mark.parametrize(
    ("schema", "written", "value"),
    [
        (STRING, '"41"', "41"), (STRING, "41", "41"), (STRING, "true", "true"), (STRING, "null", None),
        (STRING, '{"a": 1}', '{"a":1}'), (STRING, "[1]", "[1]"),
        (INTEGER, '"41"', 41), (INTEGER, '"4.5"', "4.5"), (INTEGER, "4.0", 4), (INTEGER, "4.5", 4.5),
        ({"type": "number"}, "4", 4), ({"type": "boolean"}, '"true"', True), ({"type": "array"}, '"[1]"', [1]),
        ({"type": "object", "properties": {"a": INTEGER}}, '{"a": "1", "b": "1"}', {"a": 1, "b": "1"}),
        ({"type": "array", "items": INTEGER}, '["1", 2]', [1, 2]), (None, '"41"', "41"), (None, "41", 41),
    ],
)  # fmt: skip
def test_a_json_value_is_converted_where_nothing_is_lost(
    schema: dict[str, Any] | None, written: str, value: object
) -> None:
    got = read_with(schema, f'<tool_call>{{"name": "read", "arguments": {{"p": {written}}}}}</tool_call>')
    assert (type(got), got) == (type(value), value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r"""'a\n"b" \d'""", 'a\n"b" \\d'), ('"it\'s"', "it's"), (r"r'\d'", r"\d"), ("'a' 'b'", "ab"), ("-1", -1),
        ("True", True), ("null", None), ("[1, {'k': (2,)}]", [1, {"k": [2]}]), ("'''a\n'b' c'''", "a\n'b' c"),
        ("'a\nb'", "a\nb"),
    ],
)  # fmt: skip
def test_arguments_of_python_are_its_literals(written: str, value: object) -> None:
    assert read_with(None, f"<|python_start|>[read(p={written})]<|python_end|>") == value


@pytest.mark.parametrize("written", ["x", "f(1)", "1 + 1", "b'a'", "open('a')", "*a", "[" * 100 + "]" * 100])
def test_other_expressions_of_python_are_no_arguments(written: str) -> None:
    text = f"<|python_start|>[read(p={written})]<|python_end|>"
    assert "".join(map(str, fed(Repairer({"read": {}}), text))) == text


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r"{'p': 'it\'s'}", "it's"), ("{'p': 'it's'}", "it's"), (r'{"p": "\d+"}', r"\d+"), ('{"p": "a\nb"}', "a\nb"),
        ('{p: "x",}', "x"), ('{{"p": "{{x}}"}}', "{{x}}"), (r'{"p": "say \"hi\""}', 'say "hi"'),
        ('{"p": "say "hi" now"}', 'say "hi" now'), ('{"p": True}', True), ('{"p": None}', None),
        (r"{'p': '\ud83e\udd80', 'q': True}", "\U0001f980"), (r'{"p": "C:\Users",}', r"C:\Users"),
    ],
)  # fmt: skip
def test_json_is_read_leniently_but_never_the_content_of_a_string(written: str, value: object) -> None:
    assert read_with(None, f'<tool_call>{{"name": "read", "arguments": {written}}}</tool_call>') == value


@pytest.mark.parametrize(
    "written",
    [
        "{p: x}", '{"p": NaN}', '{"p": tru}', '{"p": }', '{"p": "x" "q"}', '{"p": 0x1F}', '{"p": `x`}',
        '{"p": "x"; "q": 1}',
    ],
)  # fmt: skip
def test_what_cannot_be_read_without_guessing_stays_text(written: str) -> None:
    text = f'<tool_call>{{"name": "read", "arguments": {written}}}</tool_call>'
    assert "".join(map(str, fed(Repairer({"read": {}}), text))) == text
