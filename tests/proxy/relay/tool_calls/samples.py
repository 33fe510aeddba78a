# ruff: noqa: RUF001 (DeepSeek's bars are full-width)
"""Texts that are tool calls, and texts that only look like some."""

from collections.abc import Iterable, Iterator
from typing import Any

from coderouter_proxy.relay.tool_calls.repair import Repairer, TextualCall

TOOLS: dict[str, dict[str, Any]] = {"read": {}, "write": {}, "mcp__git-log": {}}

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
    "object that is indented less than code": (f"so:\n   {READ}", ["so:\n   ", read]),
    "objects in a row": (f"{READ}{WRITE} {READ}\n{WRITE}", [read, write, read, write]),
    "objects with separators": (f"{READ}; {WRITE},\n{READ}", [read, write, read]),
    "array": (f"[{READ}, {WRITE}]", [read, write]),
    "array on many lines": (f"I look.\n[\n  {READ},\n  {WRITE}\n]\nOk", ["I look.\n", read, write, "Ok"]),
    "parameters": ('{"name": "read", "parameters": {"path": "/a"}}', [read]),
    "input": ('{"type": "tool_use", "id": "1", "name": "read", "input": {"path": "/a"}}', [read]),
    "args before the name": ('{"args": {"path": "/a"}, "name": "read"}', [read]),
    "function as the name": ('{"function": "read", "args": {"path": "/a"}}', [read]),
    "OpenAI's nesting": (f'{{"id": "x", "type": "function", "function": {READ}}}', [read]),
    "arguments as a string": (r'{"name": "read", "arguments": "{\"path\": \"/a\"}"}', [read]),
    "no arguments, between tags": ('<tool_call>{"name": "read"}</tool_call>', [bare]),
    "raw newline in a string": (
        '{"name": "read", "arguments": {"path": "a\n\tb"}}',
        [TextualCall("read", r'{"path":"a\n\tb"}')],
    ),
    "escapes": (
        r'{"name": "read", "arguments": {"p\u0061th": "\\\"}{[</\\"}}',
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
    "fence with tags": (f"```xml\n<tool_call>{READ}</tool_call>\n```\nX", [read, "X"]),
    "fence with a call and something else": (
        f"```json\n{READ}\n{{}}\n```\n{WRITE}",
        [f"```json\n{READ}\n{{}}\n```\n", write],
    ),
    "tool_call": (f"I look.\n<tool_call>\n{READ}\n</tool_call>", ["I look.\n", read]),
    "tool_call right behind a sentence": (f"I look.<tool_call>{READ}</tool_call>", ["I look.", read]),
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
    "call behind gpt-oss's thinking": (
        (
            "<|channel|>analysis<|message|>I read it.<|end|<|start|>assistant<|channel|>commentary to=functions.read "
            '<|constrain|>json<|message|>{"path": "/a"}<|call|>'
        ),
        ["<|channel|>analysis<|message|>I read it.<|end|", read],
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
    "call behind an unknown element": (
        f"<function=rm></function>\n<tool_call>{READ}</tool_call>",
        ["<function=rm></function>\n", read],
    ),
    "trailing comma": (f"{READ[:-1]},}}", [read]),
    "last brace missing": (READ[:-1], [read]),
    "last bracket missing": (f"[{READ}, {WRITE}", [read, write]),
    "end of an element missing": ("<function=read>\n<parameter=path>\n/a\n</parameter>\n", [read]),
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
    "object at the beginning of a line that continues": f"{READ} reads.",
    "objects of which one is unknown on a line": f"{READ}; {UNKNOWN}, x",
    "tool_call within a line": f"so <tool_call>{READ}</tool_call> ok",
    "tool_call at the beginning of a line that continues": f"<tool_call>{READ}</tool_call> is a call.",
    "tool_call between backticks": f"`<tool_call>{READ}</tool_call>`",
    "tool_call between backticks on many lines": f"`<tool_call>\n{READ}\n</tool_call>`",
    "quoted tool_call": f"> <tool_call>{READ}</tool_call>",
    "indented like code": f"so:\n\n    {READ}",
    "fence in a list": f"- so:\n\n  ```json\n  {READ}\n  ```\n\n  and so on.",
    "example": f"For example:\n\n<tool_call>\n{READ}\n</tool_call>\n\nThe server reads it.",
    "example in a fence": f"A call looks like this:\n```json\n{READ}\n```",
    "fence within prose": f"The call:\n```json\n{READ}\n```\nreads a file.",
    "sentence that continues": f"The proxy turns\n<tool_call>\n{READ}\n</tool_call>\ninto a call.",
    "object that nothing announces": f"The request:\n\n{READ}\n\nIt reads a file.",
    "example that is announced": f"I'll show you an example:\n\n{READ}",
    "call in thinking": f"<think>\n{READ}\n</think>\nDone.",
    "call in thinking that has attributes": f'<think time="3">\n{READ}\n</think>\nDone.',
    "call in thinking that never ends": f"<THINK>\n<tool_call>{READ}</tool_call>",
    "call in an HTML tag": f"<pre>\n{READ}\n</pre>",
    "no arguments": '{"name": "read"}',
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
    "arguments are not JSON": '{"name": "read", "arguments": "/a"}',
    "NaN": '{"name": "read", "arguments": {"a": NaN}}',
    "malformed": '{"name": "read", "arguments": {"a": tru}}',
    "integer that does not fit": '{"name": "read", "arguments": {"a": 123456789012345678901234567890}}',
    "lone surrogate": r'{"name": "read", "arguments": {"a": "\ud800"}}',
    "nested too deeply": '{"name": "read", "arguments": {"a": ' + "[" * 300 + "]" * 300 + "}}",
    "nested far too deeply": '{"name": "read", "arguments": {"a": ' + "[" * 3000 + "]" * 3000 + "}}",
    "function in function": '{"function": {"function": {"function": {}}}}',
    "cut arguments": READ[:-2],
    "cut string": READ[:-6],
    "cut array": f"[{READ}, {WRITE[:-1]}",
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
    return joined(fed(Repairer(TOOLS), *chunks))
