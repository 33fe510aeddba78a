# ruff: noqa: RUF001 (DeepSeek's bars are full-width)
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderouter_proxy.relay.tool_calls.lookahead import HELD_CHARS_MAX
from coderouter_proxy.relay.tool_calls.repair import Repairer, TextualCall
from coderouter_proxy.relay.tool_calls.syntaxes import CLOSERS, SYNTAXES

NAMES = ("read", "write", "mcp__git-log")

READ = '{"name": "read", "arguments": {"path": "/a"}}'
WRITE = '{"name": "write", "arguments": {"path": "/b", "lines": [1, 2]}}'
UNKNOWN = '{"name": "rm", "arguments": {"path": "/a"}}'
read = TextualCall("read", '{"path":"/a"}')
write = TextualCall("write", '{"path":"/b","lines":[1,2]}')
bare = TextualCall("read", "{}")

Item = str | TextualCall

SAMPLES: dict[str, tuple[str, list[Item]]] = {
    "object": (READ, [read]),
    "object between prose": (f"I look.\n\n{READ}\n\nDone.", ["I look.\n\n", read, "Done."]),
    "object behind white space": (f" \n\n  {READ} \n", [read]),
    "indented object": (f"so:\n    {READ}", ["so:\n    ", read]),
    "objects in a row": (f"{READ}{WRITE} {READ}\n{WRITE}", [read, write, read, write]),
    "objects with separators": (f"{READ}; {WRITE},\n{READ}", [read, write, read]),
    "separator before something else": (f"{READ}; {UNKNOWN}, x", [read, f"; {UNKNOWN}, x"]),
    "array": (f"[{READ}, {WRITE}]", [read, write]),
    "array on many lines": (f"ok\n[\n  {READ},\n  {WRITE}\n]\nok", ["ok\n", read, write, "ok"]),
    "parameters": ('{"name": "read", "parameters": {"path": "/a"}}', [read]),
    "input": ('{"type": "tool_use", "id": "1", "name": "read", "input": {"path": "/a"}}', [read]),
    "args before the name": ('{"args": {"path": "/a"}, "name": "read"}', [read]),
    "function as the name": ('{"function": "read", "args": {"path": "/a"}}', [read]),
    "OpenAI's nesting": (f'{{"id": "x", "type": "function", "function": {READ}}}', [read]),
    "arguments as a string": (r'{"name": "read", "arguments": "{\"path\": \"/a\"}"}', [read]),
    "no arguments": ('{"name": "read"}', [bare]),
    "raw newline in a string": (
        '{"name": "read", "arguments": {"path": "a\n\tb"}}',
        [TextualCall("read", r'{"path":"a\n\tb"}')],
    ),
    "escapes": (
        r'{"n\u0061me": "re\u0061d", "arguments": {"path": "\\\"}{[</\\"}}',
        [TextualCall("read", r'{"path":"\\\"}{[</\\"}')],
    ),
    "fence": (f"Now:\n```json\n{READ}\n```\nDone.", ["Now:\n", read, "Done."]),
    "bare fence": (f"```\n{READ}\n```", [read]),
    "tool_call fence": (f"```tool_call\n{READ}\n```\n\n", [read]),
    "tool_code fence": (f"  ```tool_code\n  {READ}\n  ```", ["", read]),
    "fence on one line": (f"```json {READ}```", [read]),
    "fence of four ticks": (f"````json\n{READ}\n```", [read]),
    "unclosed fence": (f"```json\n{READ}", [read]),
    "fence with two": (f"```json\n{READ}\n\n{WRITE}\n```\n{READ}", [read, write, read]),
    "fence with an array": (f"```json\n[{READ},{WRITE}]\n```", [read, write]),
    "fence with tags": (f"```xml\n<tool_call>{READ}</tool_call>\n```\nx", [read, "x"]),
    "fence with a call and something else": (
        f"```json\n{READ}\n{{}}\n```\n{WRITE}",
        [read, "{}\n```\n", write],
    ),
    "tool_call": (f"I look.\n<tool_call>\n{READ}\n</tool_call>", ["I look.\n", read]),
    "tool_call within a line": (f"so <tool_call>{READ}</tool_call> ok", ["so ", read, "ok"]),
    "unclosed tool_call": (f"<tool_call>\n{READ}\n", [read]),
    "tool_calls in a row": (
        f"<tool_call>\n{READ}\n</tool_call>\n<tool_call>\n{WRITE}\n</tool_call>\n",
        [read, write],
    ),
    "tool_call with two": (f"<tool_call>\n{READ}\n{WRITE}\n</tool_call>", [read, write]),
    "tool_call that was only closed": (f"{READ}\n</tool_call>", [read]),
    "tool_calls": (f"<tool_calls>[{READ},{WRITE}]</tool_calls>", [read, write]),
    "tools": (f"<tools>\n{READ}\n</tools>", [read]),
    "function_call": (f"<function_call>{READ}</function_call>", [read]),
    "functioncall": (f"<functioncall> {READ} </functioncall>", [read]),
    "<|tool_call|>": (f"<|tool_call|>[{READ}]<|/tool_call|>", [read]),
    "<|python_tag|>": (f"<|python_tag|>{READ}<|eom_id|>", [read]),
    "[TOOL_CALLS] with an array": (f"[TOOL_CALLS] [{READ}, {WRITE}]", [read, write]),
    "[TOOL_CALLS] with names": (
        '[TOOL_CALLS]read{"path": "/a"}[TOOL_CALLS]read[ARGS]{"path": "/a"}[/TOOL_CALLS]',
        [read, read],
    ),
    "name in a tool_call": ("<tool_call>mcp__git-log {}</tool_call>", [TextualCall("mcp__git-log", "{}")]),
    "function with parameters": (
        (
            "<tool_call>\n<function=write>\n<parameter=path>\n/b\n</parameter>\n<parameter=lines>\n[1, 2]\n"
            "</parameter>\n</function>\n</tool_call>\nDone."
        ),
        [write, "Done."],
    ),
    "function closed by what is around": (
        "<tool_call><function=read><parameter=path>/a</parameter></tool_call>",
        [read],
    ),
    "function with JSON": ('<function=read>{"path": "/a"}</function>', [read]),
    "function without parameters": ("<function=read>\n</function>", [bare]),
    "function name": ('<function name="read"><parameter name="path">/a</parameter></function>', [read]),
    "invoke": ('<invoke name="read">\n<parameter name="path">/a</parameter>\n</invoke>', [read]),
    "function_calls": (
        (
            'I look.\n\n<function_calls>\n<invoke name="read">\n<parameter name="path">/a</parameter>\n</invoke>\n'
            '<invoke name="read">\n</invoke>\n</function_calls>'
        ),
        ["I look.\n\n", read, bare],
    ),
    "DeepSeek R1": (
        (
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>read\n```json\n"
            '{"path": "/a"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>read\n```json\n'
            "{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
        ),
        [read, bare],
    ),
    "DeepSeek V3.1": (
        (
            '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>read<｜tool▁sep｜>{"path": "/a"}<｜tool▁call▁end｜>'
            "<｜tool▁calls▁end｜>"
        ),
        [read],
    ),
    "call behind a code block": (f"```python\nx = {{}}\n```\n{READ}", ["```python\nx = {}\n```\n", read]),
    "code block behind a call": (
        f"{READ}\n```python\n{READ}\n```",
        [read, f"```python\n{READ}\n```"],
    ),
    "call behind code within a line": (f"```x``` is code\n{READ}", ["```x``` is code\n", read]),
    "call behind a broken fence": (
        f'```json\n{{"name": "read",\n```\n{READ}',
        ['```json\n{"name": "read",\n```\n', read],
    ),
    "call behind a broken fence of another object": (
        f'```json\n{{"a": 1,\n```\n{READ}',
        ['```json\n{"a": 1,\n```\n', read],
    ),
    "object behind an element": (f"<function=read></function> {READ}", [bare, read]),
    "call in an unknown element": (
        f"<function=rm><tool_call>{READ}</tool_call>",
        ["<function=rm>", read],
    ),
    "call behind another object": (f'{{"a": 1}}\n{READ}', ['{"a": 1}\n', read]),
    "call behind a tag that led nowhere": (f"<tool_call><tools>?\n{READ}", ["<tool_call><tools>?\n", read]),
}

STAYS_TEXT = {
    "empty": "",
    "white space": "  \n\n ",
    "prose": "The quick brown fox.\n\n- jumps\n- [ ] over\n\n  [the](lazy) dog. {x} a<b [0] `c` ```d```\n",
    "unknown name": UNKNOWN,
    "unknown name in tags": f"<tool_call>\n{UNKNOWN}\n</tool_call>",
    "unknown name in a fence": f"```json\n{UNKNOWN}\n```",
    "unknown name in an element": "<function=rm>\n<parameter=path>\n/a\n</parameter>\n</function>",
    "unknown name in parameters of an unknown name": f"<function=rm>\n<parameter=p>\n{READ}\n</parameter>\n</function>",
    "unknown bare name": '[TOOL_CALLS]rm{"path": "/a"}',
    "one unknown in an array": f"[\n{READ},\n{UNKNOWN},\n{READ}\n]",
    "object within a line": f"Write {READ} to read.",
    "within another object": f'{{"example":\n{READ}\n}}',
    "within an array of others": f'[\n{{"a": 1}},\n{READ}\n]',
    "code block": f"```python\n{READ}\n<tool_call>{READ}</tool_call>\n```",
    "unclosed code block": f"```sh\n{READ}",
    "listing of tools": '[\n{"name": "read", "description": "Reads.", "parameters": {}},\n' + READ + "\n]",
    "declaration": '{"name": "read", "parameters": {"type": "object", "properties": {"path": {}}}}',
    "no name": '{"arguments": {"path": "/a"}}',
    "name is no string": '{"name": ["read"], "arguments": {}}',
    "other keys": '{"name": "read", "arguments": {}, "result": 1}',
    "arguments are an array": '{"name": "read", "arguments": []}',
    "arguments are a number": '{"name": "read", "arguments": 1}',
    "arguments are no JSON": '{"name": "read", "arguments": "/a"}',
    "NaN": '{"name": "read", "arguments": {"a": NaN}}',
    "malformed": '{"name": "read", "arguments": {"a": tru}}',
    "trailing comma": '{"name": "read", "arguments": {},}',
    "integer that does not fit": '{"name": "read", "arguments": {"a": 123456789012345678901234567890}}',
    "lone surrogate": r'{"name": "read", "arguments": {"a": "\ud800"}}',
    "nested too deeply": '{"name": "read", "arguments": {"a": ' + "[" * 300 + "]" * 300 + "}}",
    "nested far too deeply": '{"name": "read", "arguments": {"a": ' + "[" * 3000 + "]" * 3000 + "}}",
    "function in function": '{"function": {"function": {"function": {}}}}',
    "cut object": READ[:-1],
    "cut string": READ[:-6],
    "cut array": f"[{READ}, {WRITE}",
    "cut element": "<function=read>\n<parameter=path>\n/a\n</parameter>\n",
    "cut parameter": "<function=read>\n<parameter=path>\n/a",
    "cut opener": "so <tool_ca",
    "only an opener": "so <tool_call>",
    "only a fence": "so\n```json",
    "opener in prose": "Models write `<tool_call>` and [TOOL_CALLS] and <function=name> and\n```\n",
    "ticks": "`\n``\n``x\n```",
}

ALL = {name: text for name, (text, _) in SAMPLES.items()} | STAYS_TEXT


def joined(items: Iterable[Item]) -> list[Item]:
    """Return the items with adjacent texts as one, and without empty ones."""
    result: list[Item] = []
    for item in items:
        if isinstance(item, str) and result and isinstance(result[-1], str):
            result[-1] += item
        elif item:
            result.append(item)
    return result


def fed(repairer: Repairer, *chunks: str) -> Iterator[Item]:
    for chunk in chunks:
        yield from repairer.feed(chunk)
    yield from repairer.end()


def repaired(*chunks: str) -> list[Item]:
    return joined(fed(Repairer(NAMES), *chunks))


@pytest.mark.parametrize(("text", "expected"), SAMPLES.values(), ids=SAMPLES)
def test_a_call_written_as_text_becomes_one(text: str, expected: list[Item]) -> None:
    repairer = Repairer(NAMES)
    assert joined(fed(repairer, text)) == joined(expected)
    assert repairer.count == sum(isinstance(item, TextualCall) for item in expected)


@pytest.mark.parametrize("text", STAYS_TEXT.values(), ids=STAYS_TEXT)
def test_anything_else_stays_text_byte_for_byte(text: str) -> None:
    assert "".join(map(str, repaired(text))) == text


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
def test_without_tools_every_text_stays(text: str) -> None:
    assert "".join(map(str, fed(Repairer(()), text))) == text


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
def test_where_a_text_is_cut_in_two_makes_no_difference(text: str) -> None:
    whole = repaired(text)
    for cut in range(min(len(text), 400)):
        assert repaired(text[:cut], text[cut:]) == whole, cut
    assert repaired(*text) == whole


FRAGMENTS = (
    *SYNTAXES, *CLOSERS, *SAMPLES["function with parameters"][0].split("\n"), READ, WRITE, UNKNOWN,
    READ[:20], READ[20:],
    "```", "```json", "```python", "```<", "`", "[", "]", "{", "}", '"', ",", ";", ":", "\\", "\n", "\n", " ", "read",
    "function<｜tool▁sep｜>", "[ARGS]", '{"a": 1}', '{"name":', '"read"', '"arguments"', "prose", "<",
    "é", "\U0001f600",
)  # fmt: skip
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=12).map("".join)


@given(texts, st.data())
def test_no_chunking_makes_a_difference(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8).map(sorted))
    chunks = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
    repairer = Repairer(NAMES)
    items = list(fed(repairer, *chunks))
    assert joined(items) == repaired(text) == repaired(*text)
    assert "" not in items
    if not repairer.count:
        assert "".join(map(str, items)) == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "function", "arguments", "args", "type", "x"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(
    json_values, st.sampled_from(["{}", "<tool_call>{}</tool_call>", "```json\n{}\n```", "<function=read>{}"])
)
def test_whatever_json_comes_the_arguments_are_an_object(value: object, around: str) -> None:
    try:
        text = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return
    for item in repaired(around.replace("{}", text)):
        if isinstance(item, TextualCall):
            assert item.name in NAMES
            assert isinstance(orjson.loads(item.arguments), dict)


@pytest.mark.parametrize(
    "chunk", ["The", " quick", " fox.", "\n", "\n\n- ", "  ", " a < b ", "{x}", "[1] ", "`c`", "}"]
)
def test_prose_passes_with_the_feed_that_brought_it(chunk: str) -> None:
    repairer = Repairer(NAMES)
    repairer.feed("x")
    assert repairer.feed(chunk) == [chunk]


@pytest.mark.parametrize("opener", [*SYNTAXES, "\n```", "\n  ```", "\n[", "\n{"])
def test_only_what_may_begin_an_opener_is_held(opener: str) -> None:
    for size in range(1, len(opener)):
        begun = opener[:size]
        line_start, held = begun[: size - len(begun.lstrip())], begun.lstrip()
        repairer = Repairer(NAMES)
        assert "".join(map(str, repairer.feed(f"so {begun}"))) == f"so {line_start}"
        assert "".join(map(str, repairer.feed("~"))) == f"{held}~"


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{ x",
        '{"title":',
        '{"name": "rm"',
        '{"name": 1',
        '{"type": "object", "properties":',
        '{"function": {"name": "rm"',
        "[1",
        "[ x",
        '[{"x":',
        f"[{READ}, 1",
        "<tool_call>x ",
        "<tool_call><tools> x ",
        "<function=rm>",
        "<function=a\n",
        "<function=read> x",
        "<|python_tag|>print(",
        "[TOOL_CALLS]rm{",
        "```python\n",
        "```python\nx = 1\n{",
        "```json\n{}",
        '```json\n{\n"title"',
        "```\nls ",
        "```x``` ",
    ],
)
def test_text_is_released_as_soon_as_it_cannot_be_a_call(text: str) -> None:
    repairer = Repairer(NAMES)
    passed = [item for char in text for item in repairer.feed(char)]
    assert "".join(map(str, passed)) == text


def test_after_its_release_an_object_passes_with_every_feed() -> None:
    repairer = Repairer(NAMES)
    assert repairer.feed('{"items":') == ['{"items":']
    for chunk in (
        ' ["a',
        "\n",
        "{",
        '", ',
        '"<tool_',
        'call>", ',
        "[",
        "1],",
        '\n{"name"',
        ': "read"}',
        "\n]",
        "}",
    ):
        assert repairer.feed(chunk) == [chunk]


def test_a_call_is_given_out_before_what_closes_it() -> None:
    repairer = Repairer(NAMES)
    assert repairer.feed(f"<tool_call>\n{READ[:-1]}") == []
    assert repairer.feed(READ[-1]) == [read]
    assert repairer.feed("\n</tool_") == []
    assert repairer.feed("call>\nDone.") == ["Done."]


def test_a_call_longer_than_the_bound_is_released_and_stays_text() -> None:
    text = '{"name": "write", "arguments": {"text": "' + "x" * HELD_CHARS_MAX
    repairer = Repairer(NAMES)
    assert repairer.feed(text) == [text]
    assert repairer.feed('\n{"name"') == ['\n{"name"']
    assert repairer.feed(f'"}}}}\n{READ}') == ['"}}\n', read]


@pytest.mark.parametrize("around", ["%s", "so\n```json\n%s\n```", "<tool_call>%s</tool_call>", "[%s]"])
def test_the_bound_is_the_same_in_one_piece_and_in_many(around: str) -> None:
    seen = set()
    for size in range(HELD_CHARS_MAX - 90, HELD_CHARS_MAX, 5):
        text = around % f'{{"name": "write", "arguments": {{"text": "{"x" * size}"}}}}' + f"\n{READ}"
        whole = repaired(text)
        assert repaired(text[: size - 100], *text[size - 100 :]) == whole
        seen.add(sum(isinstance(item, TextualCall) for item in whole))
    assert seen == {1, 2}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("/a", "/a"), ("\n/a\n", "/a"), ("\n\n a \n\n", "\n a \n"), ("", ""), ("\n", ""),
        ("1", 1), ("\n-1.5\n", -1.5), ("true", True), ("null", None), ('{"a": [1]}', {"a": [1]}), ("[]", []),
        ('"quoted"', '"quoted"'), ("NaN", "NaN"), ("True", "True"), ("01", "01"), ("[1", "[1"),
        ("a < b </p>", "a < b </p>"),
    ],
)  # fmt: skip
def test_a_parameter_is_read_as_json_unless_that_is_a_string(written: str, value: object) -> None:
    [call] = repaired(f"<function=read><parameter=p>{written}</parameter></function>")
    assert isinstance(call, TextualCall)
    assert orjson.loads(call.arguments) == {"p": value}


@pytest.mark.parametrize("text", ['"\\"' * 3, "x" * 5, "<b>\n", '[{"', "é\U0001f600x\n"])
@pytest.mark.parametrize("around", [READ[:-6], "<function=read><parameter=path>", "", "\n```json\n", "```\n"])
def test_long_text_in_small_pieces_is_read_in_linear_time(around: str, text: str) -> None:
    repairer = Repairer(NAMES)
    repairer.feed(around)
    started = time.process_time()
    for _ in range(20_000):
        repairer.feed(text)
    repairer.end()
    assert time.process_time() - started < 2


def test_every_opener_and_closer_has_a_sample() -> None:
    written = "".join(text for text, _ in SAMPLES.values())
    assert not [opener for opener in SYNTAXES if opener not in written]
    assert not [closer for closer in CLOSERS if closer not in written]


def test_no_opener_begins_another() -> None:
    assert not [(a, b) for a in SYNTAXES for b in SYNTAXES if a != b and b.startswith(a)]
