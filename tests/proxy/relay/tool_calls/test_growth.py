# ruff: noqa: RUF001 (DeepSeek's bars are full-width)
"""Four times the text takes about four times the work, whatever it is, in one piece and in pieces of one character."""

import pytest

from coderouter_proxy.relay.tool_calls.repair import Repairer
from coderouter_proxy.relay.tool_calls.syntaxes.nested import M3
from proxy.relay.tool_calls.samples import READ, TOOLS, WRITE, fed
from support.growth import GROWTH_MAX, growth_in_cpu_time

pytestmark = pytest.mark.long

CHARS = 3_000

REPEATED = {
    "openers": "<tool_call>", "openers on lines": "\n<tool_call>\n", "openers with names": "[TOOL_CALLS] read",
    "brackets": "{", "brackets on lines": "\n{", "lists on lines": "\n[", "calls": f"\n{READ}",
    "calls in tags": f"<tool_call>{READ}</tool_call>", "other objects": '\n{"a": "',
    "cut objects": '\n{"name": "read", "arguments": {"path": "', "backticks": "`", "code": "``x",
    "fences": "```\n", "fences with calls": f"```json\n{READ}\n", "less than": "<", "halves of marks": "<|",
    "marks": "<|start|>assistant", "headers": "<|channel|>commentary to=functions.read ",
    "elements": "\n<function=read>\n<parameter=path>", "elements without text": "\n<function=read>",
    "closing tags": "</parameter>   ", "tags of tools": "\n<read><path>", "attributes": '\n<read path="',
    "calls of Python": "\n[read(path='", "lines of Python": '\n<function_calls>read(path="a")\n',
    "Gemma's": "\n<|tool_call>call:read{path:[", "MiniMax's": f'{M3}<invoke name="read">',
    "Kimi's": '<|open|>call tool="read"<|sep|>', "DeepSeek's": '<｜DSML｜invoke name="read">',
    "GLM's": "\n<tool_call>read\n<arg_key>path</arg_key><arg_value>", "names in tags": "\n<invoke>\n<tool_name>",
    "actions": "\nAction: read\nAction Input: {", "thinking": "\n<think>x</think>", "quotes": '"  ',
    "names on lines": 'read {"path\n', "tags with other names": '<tool>{"name": "read", "x\n', "words": "<toolcall",
    "comments": 'read {"path": /* x\n', "typographic quotes": "{“name”: “read\n", "items": "- [TOOL_CALLS]",
    "backslashes": "\\", "white space": " \n", "prose": "The quick brown fox, [x](y) and `z`.\n",
}  # fmt: skip

WITHIN = {
    "a JSON string": (READ[:-3], 'a \\" ', '"}}'),
    "a JSON string with bare quotes": (READ[:-3], 'a "b" ', '"}}'),
    "a Python string": ("\n[read(path='", "a\\' \"b\" ", "')]"),
    "an array": ("[", f"{READ}, ", f"{WRITE}]"),
    "a parameter": ("<function=read>\n<parameter=path>\n", "<b>x</b></parameter> x\n", "\n</parameter></function>"),
    "a tag": ("<read><path>", "</path>", "</path></read>"),
    "an attribute": ('<read path="', 'a "b" ', '"/>'),
    "Gemma's fields": ("<|tool_call>call:read{path:[", "[1,2],", "]}"),
    "MiniMax's items": (f'{M3}<invoke name="read">{M3}<path>', f"{M3}<item>b{M3}</item>", f"{M3}</path>{M3}</invoke>"),
    "thinking": ("<think>", "<tool_call> </thin", "</think>"),
    "a fence": ("```python\n", "x = `1`\n", "```"),
}  # fmt: skip


@pytest.mark.parametrize("piece_chars", [1, 10**9], ids=["by 1", "whole"])
@pytest.mark.parametrize(
    ("before", "repeated", "after"),
    [*(("", text, "") for text in REPEATED.values()), *WITHIN.values()],
    ids=[*REPEATED, *WITHIN],
)
def test_reading_takes_linear_time(before: str, repeated: str, after: str, piece_chars: int) -> None:
    def make(chars: int) -> str:
        return before + repeated * (chars // len(repeated)) + after

    def read(text: str) -> None:
        pieces = [text[start : start + piece_chars] for start in range(0, len(text), piece_chars)]
        for _ in fed(Repairer(TOOLS), *pieces):
            pass

    assert growth_in_cpu_time(read, make, CHARS) <= GROWTH_MAX
