"""Hypothesis strategies for requests in the neutral form, and the way over a wire."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from coderouter_proxy.wires.anthropic import request_writer as anthropic_writer
from coderouter_proxy.wires.clients import CLIENT_WIRES
from coderouter_proxy.wires.conversation import (
    Body,
    Call,
    Conversation,
    Media,
    OutputSchema,
    Part,
    Result,
    Role,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    Turn,
    VendorPart,
)
from coderouter_proxy.wires.openai import request_writer as openai_writer

WIRES = ("openai", "anthropic")
WRITERS: dict[str, Any] = {"openai": openai_writer, "anthropic": anthropic_writer}

# Fields that only one wire has, and values that clients of it send.
FIELDS: dict[str, dict[str, list[object]]] = {
    "openai": {
        "seed": [7, 0],
        "n": [1, 2],
        "logit_bias": [{"5": 1}, {}],
        "frequency_penalty": [0, 0.5],
        "presence_penalty": [0, 1],
        "logprobs": [False, True],
        "store": [False, True],
        "reasoning_effort": ["high"],
        "service_tier": ["flex", "default"],
        "metadata": [{"team": "x"}],
        "response_format": [{"type": "json_object"}],
        "min_p": [0.1],
        "output_config": [{"effort": "low"}],
        "my own": [1],
    },
    "anthropic": {
        "thinking": [{"type": "adaptive"}, {"type": "disabled"}],
        "effort": ["high"],
        "context_management": [{"edits": []}],
        "mcp_servers": [[{"url": "x"}], []],
        "container": ["c"],
        "speed": ["fast"],
        "fallbacks": [["m"]],
        "cache_control": [{"type": "ephemeral"}],
        "another": [None, [1]],
    },
}
_OWN: dict[str, Iterable[str]] = {wire: WRITERS[wire].OWN_FIELDS for wire in WIRES}

# Sampled, not made up: a conversation has many, and each draw takes its time.
words = st.sampled_from(
    ["one", "two ", " three \n", "a\n\nb", "{} {0}", "<system>", "Error: x", "é☃𝄞\x00", "«»\n"]
)
blanks = st.sampled_from(["", " ", "\n\t"])
caches = st.sampled_from([None, None, None, {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}])
_OBJECTS = ["", "{}", '{"é": [null, -1.5e3, {"a": "\\ud834\\udd1e"}]}', '{"a": 18446744073709551615}']
_NO_OBJECTS = ["[1]", '"words"', "null", "0", "{cut o", '{"a": NaN}', '{"a": "\\ud800"}']
arguments = st.sampled_from([*_OBJECTS, *_NO_OBJECTS, '{"arguments": {}}'])
first_roles: st.SearchStrategy[Role] = st.sampled_from(("user", "assistant"))
later_roles: st.SearchStrategy[Role] = st.sampled_from(("user", "assistant", "assistant", "system"))
names = st.sampled_from(["ls", "read_file", "a.b", "mcp__a-server__" + "with_a_long_tool_name_" * 3])
# Some do not fit Anthropic's wire; any two are different on it.
_IDS = ("call_%d", "toolu.%d", "fc:é%d")

_MEDIA = [
    Media("image", "image/png", data="iVBO"),
    Media("image", "image/png", data="iVBO", cache={"type": "ephemeral"}),
    Media("image", url="https://example.org/a.png"),
    Media("document", "application/pdf", data="JVBE"),
    Media("document", "application/pdf", data="JVBE", title="a.pdf"),
    Media("document", url="https://example.org/a.pdf", title="a.pdf"),
    Media("document", "text/plain", text="words"),
]
_THINKING = [Thinking("Hm.", "proof"), Thinking("Hm.")]
_VENDOR_PARTS = [
    VendorPart("openai", "input_audio", {"type": "input_audio", "input_audio": {"data": "x"}}),
    VendorPart("openai", "file", {"type": "file", "file": {"file_id": "f"}}),
    VendorPart("openai", ["my own"], {"type": ["my own"]}),
    VendorPart("anthropic", "redacted_thinking", {"type": "redacted_thinking", "data": "x"}),
    VendorPart("anthropic", "server_tool_use", {"type": "server_tool_use", "name": "web_search"}),
    VendorPart("anthropic", "container_upload", {"type": "container_upload"}),
]
of_user: st.SearchStrategy[Part] = st.sampled_from([*_MEDIA, *_VENDOR_PARTS])
of_assistant: st.SearchStrategy[Part] = st.sampled_from([*_THINKING, *_VENDOR_PARTS])


def texts() -> st.SearchStrategy[Text]:
    return st.builds(Text, words, cache=caches)


@st.composite
def _turns(draw: st.DrawFn) -> list[Turn]:
    """Return turns of any order; each says something that every wire can say."""
    turns: list[Turn] = []
    unanswered: list[str] = []
    for number in range(draw(st.integers(0, 5))):
        role = draw(later_roles if number else first_roles)
        parts: list[Part] = [Text(draw(words)) if role == "system" else draw(texts())]
        if role == "user":
            results = [call_id for call_id in draw(st.permutations(unanswered)) if draw(st.integers(0, 3))]
            if not draw(st.integers(0, 5)):
                results.append(f"stray_{number}")
            parts += [draw(_results(call_id)) for call_id in results]
            parts += draw(st.lists(of_user, max_size=2))
            unanswered = []
        elif role == "assistant":
            ids = [
                draw(st.sampled_from(_IDS)) % (10 * number + each) for each in range(draw(st.integers(0, 2)))
            ]
            unanswered += ids
            parts += [Call(call_id, draw(names), draw(arguments), cache=draw(caches)) for call_id in ids]
            parts += draw(st.lists(of_assistant, max_size=1))
        if not draw(st.integers(0, 3)):
            parts.append(Text(draw(blanks)))
        turns.append(Turn(role, tuple(draw(st.permutations(parts)))))
    return turns


def _results(call_id: str) -> st.SearchStrategy[Result]:
    parts = st.lists(texts() | of_user, max_size=2).map(tuple)
    return st.builds(Result, st.just(call_id), parts, st.booleans(), cache=caches)


@st.composite
def _tools(draw: st.DrawFn) -> list[Tool]:
    tools = [
        Tool(
            name=name,
            description=draw(st.sampled_from(["", "List."])),
            parameters=draw(st.sampled_from([None, {}, {"type": "object", "required": ["a"]}])),
            cache=draw(caches),
        )
        for name in draw(st.sets(names, max_size=2).map(sorted))
    ]
    hosted = st.sampled_from(["web_search_20250305", "custom", "tool", ["my own"]])
    return tools + [Tool(name="web", hosted=given) for given in draw(st.lists(hosted, max_size=1))]


def _choices(tools: Iterable[Tool]) -> st.SearchStrategy[ToolChoice | None]:
    modes = st.sampled_from([None, ToolChoice("auto"), ToolChoice("required"), ToolChoice("none")])
    functions = [tool.name for tool in tools if tool.hosted is None]
    return (
        modes | st.sampled_from(functions).map(lambda name: ToolChoice("tool", name)) if functions else modes
    )


@st.composite
def _fields(draw: st.DrawFn, wire: str) -> Body:
    chosen = draw(st.lists(st.sampled_from(sorted(FIELDS[wire])), max_size=3, unique=True))
    return {name: draw(st.sampled_from(FIELDS[wire][name])) for name in chosen}


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Return a request with anything that the form can hold, in any order that agents may send."""
    tools = draw(_tools())
    schema = draw(st.sampled_from([None, OutputSchema({}), OutputSchema({"type": "object"})]))
    vendor = {wire: draw(_fields(wire)) for wire in WIRES}
    if schema is not None:
        vendor["openai"].pop("response_format", None)  # a request has one of them
    return Conversation(
        system=tuple(draw(st.lists(texts(), max_size=3))),
        turns=tuple(draw(_turns())),
        tools=tuple(tools),
        tool_choice=draw(_choices(tools)),
        parallel_calls=draw(st.sampled_from([None, False])),
        max_tokens=draw(st.sampled_from([None, 1, 32_000])),
        stop=tuple(draw(st.lists(words, max_size=6))),
        temperature=draw(st.sampled_from([None, 0, 0.5, 1, 1.7])),
        top_p=draw(st.sampled_from([None, 0.9])),
        top_k=draw(st.sampled_from([None, 5])),
        stream=draw(st.sampled_from([None, False, True])),
        output_schema=schema,
        user=draw(st.sampled_from([None, "someone", "user_" + "0123456789abcdef" * 8])),
        vendor=vendor,
    )


def foreign(conversation: Conversation, wire: str) -> Conversation:
    """Return the conversation without what the vendor of the wire alone knows and the form does not hold."""
    own = conversation.vendor.get(wire, {})
    kept = {name: value for name, value in own.items() if name in _OWN[wire]}
    turns = tuple(Turn(turn.role, tuple(_foreign_parts(turn.parts, wire))) for turn in conversation.turns)
    return replace(conversation, turns=turns, vendor={**conversation.vendor, wire: kept})


def _foreign_parts(parts: Iterable[Part], wire: str) -> Iterator[Part]:
    for part in parts:
        if isinstance(part, Result):
            yield replace(part, parts=tuple(_foreign_parts(part.parts, wire)))
        elif not (isinstance(part, VendorPart) and part.wire == wire):
            yield part


def written(conversation: Conversation, wire: str) -> Body:
    body: Body = WRITERS[wire].write(conversation)
    return body


def read(body: Body, wire: str) -> Conversation:
    """Return what a request means that a client of the wire sends; nothing in it may be dropped by then."""
    dropped: list[str] = []
    client = next(client for client in CLIENT_WIRES.values() if client.ingress == wire)
    conversation = client.conversation(body, dropped.append)
    assert not dropped
    return conversation
