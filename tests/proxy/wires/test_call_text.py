"""The name and the arguments of calls that a model has not quite written as its server's wire has them."""

import pytest

from proxy.wires.conftest import Side
from support.proxy.client_view import Client
from support.proxy.process import Proxy
from support.proxy.upstream import Script, stream

TOOLS = [{"name": "ls", "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}}]


@pytest.fixture
def side(each_side: Side) -> Side:
    return each_side


def with_line_breaks(script: Script) -> Script:
    """Return a stream with a line break in place of each `~`: not escaped in the arguments, only in their event."""
    head, *chunks, end = script
    data = [chunk.partition(b"\r\n")[2].removesuffix(b"\r\n") for chunk in chunks if isinstance(chunk, bytes)]
    return (head, *stream(*(each.replace(b"~", rb"\n") for each in data))[1:-1], end)


def test_a_line_break_in_streamed_arguments_is_escaped(wires: Proxy, side: Side, client: Client) -> None:
    script = side.says.streamed_calling(("call_1", "ls", {"path": "a~b"}))
    side.provider.plays(with_line_breaks(script))

    raw = client.stream(wires, side.header, tools=TOOLS).rest().body

    assert client.calls(raw) == [("ls", {"path": "a\nb"})]
    assert client.is_complete(raw)


@pytest.mark.parametrize("name", [" ls\n", "ls<|channel|>commentary", "ls <|constrain|>json"])
def test_white_space_and_marks_of_the_prompt_format_are_not_of_a_name(
    name: str, wires: Proxy, side: Side, client: Client
) -> None:
    side.provider.plays(side.says.streamed_calling(("call_1", name, {"path": "a"})))
    raw = client.stream(wires, side.header, tools=TOOLS).rest().body
    assert client.calls(raw) == [("ls", {"path": "a"})]


def test_a_name_in_a_whole_answer_is_read_like_that_too(wires: Proxy, side: Side) -> None:
    side.provider.plays(side.says.calling(("call_1", "ls<|channel|>commentary", {"path": "a"})))
    ask = {"openai": wires.chat, "anthropic": wires.messages, "responses": wires.responses}[side.name]
    tools = {"openai": {"type": "function", "function": {"name": "ls"}}, "anthropic": TOOLS[0]}
    tool = tools.get(side.name, {"type": "function", "name": "ls", "parameters": {"type": "object"}})
    assert b"channel" not in ask(side.header, tools=[tool]).rest().body
