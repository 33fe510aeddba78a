"""What a conversation says arrives over any wire; what does not is what `losses` names, no more and no less."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings

from coderouter_proxy.wires import sequence
from coderouter_proxy.wires.anthropic.request_writer import MAX_TOKENS
from coderouter_proxy.wires.conversation import (
    Body,
    Call,
    Conversation,
    Media,
    Part,
    Result,
    Text,
    Tool,
    ToolChoice,
    Turn,
)
from coderouter_proxy.wires.losses import losses
from coderouter_proxy.wires.openai.request_writer import STOPS_MAX, USER_CHARS_MAX
from coderouter_proxy.wires.system_text import MARKED
from coderouter_proxy.wires.tool_names import short
from support.proxy.conversations import WIRES, WRITERS, conversations, foreign, read, written

pytestmark = pytest.mark.slow

EMPTY_SCHEMA: Body = {"type": "object", "properties": {}}
# Values of fields that a wire need not have, since without them nothing is different.
CHANGES_NOTHING: dict[str, Body] = {
    "openai": {"thinking": {"type": "disabled"}},
    "anthropic": {
        "n": 1,
        "frequency_penalty": 0,
        "presence_penalty": 0,
        "logprobs": False,
        "store": False,
        "service_tier": "default",
    },
}
ANY_LOAD = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
both_ways = pytest.mark.parametrize(("wire", "other"), [WIRES, WIRES[::-1]], ids=["openai", "anthropic"])


@pytest.mark.parametrize("wire", WIRES)
@given(given_conversation=conversations())
@ANY_LOAD
def test_what_is_written_is_read_again_without_what_was_named(
    wire: str, given_conversation: Conversation
) -> None:
    conversation = foreign(given_conversation, wire)
    assert said(read(written(conversation, wire), wire)) == said(restated(conversation, wire))


@pytest.mark.parametrize("wire", WIRES)
@given(conversation=conversations())
@ANY_LOAD
def test_a_loss_is_named_once_whatever_else_is_in_the_conversation(
    wire: str, conversation: Conversation
) -> None:
    named = losses(conversation, WRITERS[wire].VOCABULARY)
    assert len(set(named)) == len(named)
    assert set(named) == without_losses(conversation, wire)[1]


@both_ways
@given(given_conversation=conversations())
@ANY_LOAD
def test_a_conversation_of_one_wire_comes_back_from_another(
    wire: str, other: str, given_conversation: Conversation
) -> None:
    there = read(written(foreign(given_conversation, wire), wire), wire)
    arrived = read(written(there, other), other)
    assert losses(arrived, WRITERS[wire].VOCABULARY) == ()
    back = read(written(arrived, wire), wire)
    assert said(back) == said(restated(restated(there, other), wire))


@both_ways
@given(given_conversation=conversations())
@ANY_LOAD
def test_a_second_way_there_and_back_changes_nothing(
    wire: str, other: str, given_conversation: Conversation
) -> None:
    start = read(written(foreign(given_conversation, wire), wire), wire)
    once = written(read(written(start, other), other), wire)
    twice = written(read(written(read(once, wire), other), other), wire)
    assert twice == once


def said(conversation: Conversation) -> Body:
    """Return what the conversation means, in the same words however a wire cuts it into parts."""
    functions = [tool for tool in conversation.tools if tool.hosted is None]
    vendor = {name: value for fields in conversation.vendor.values() for name, value in fields.items()}
    config = vendor.pop("output_config", {})
    choice = conversation.tool_choice or ToolChoice("auto")
    return {
        "system": list(_cut_at_breakpoints(conversation.system)),
        "turns": _turns(conversation.turns),
        "tools": conversation.tools,
        "choice": (choice, conversation.parallel_calls) if functions else None,
        "stop": conversation.stop,
        "vendor": vendor | config,
        **{
            name: getattr(conversation, name)
            for name in (
                *("max_tokens", "temperature", "top_p", "top_k"),
                *("stream", "output_schema", "user"),
            )
        },
    }


def _cut_at_breakpoints(texts: Iterable[Text]) -> Iterator[tuple[str, object]]:
    waiting: list[str] = []
    for text in texts:
        waiting.append(text.text)
        if text.cache is not None:
            yield "\n\n".join(waiting), text.cache
            waiting = []
    if waiting:
        yield "\n\n".join(waiting), None


def _turns(turns: Iterable[Turn]) -> list[Body]:
    said_turns: list[Body] = []
    called: list[str] = []
    for turn in sequence.mended(turns):
        calls = [part for part in turn.parts if isinstance(part, Call)]
        results = [part for part in turn.parts if isinstance(part, Result)]
        assert [result.call_id for result in results] == called
        called = [call.id for call in calls]
        others = [part for part in turn.parts if not isinstance(part, (Call, Result))]
        said_turns.append(
            {
                "role": turn.role,
                "calls": [(call.name, _decoded(call.arguments)) for call in calls],
                "results": [(result.is_error, _parts(result.parts, "\n\n")) for result in results],
                "parts": _parts(others, "" if turn.role == "assistant" else "\n\n"),
                "breakpoints": list(_breakpoints(turn.parts)),
            }
        )
    return said_turns


def _decoded(arguments: str) -> object:
    try:
        decoded = orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError:
        decoded = arguments
    return decoded if isinstance(decoded, dict) else {"arguments": decoded}


def _parts(parts: Iterable[Part], between: str) -> list[object]:
    """Return the parts, with texts in a row as one."""
    found: list[object] = []
    for is_text, group in groupby(parts, lambda part: isinstance(part, Text)):
        bare = [replace(part, cache=None) for part in group]
        texts = [part.text for part in bare if isinstance(part, Text)]
        found += [between.join(texts)] * any(texts) if is_text else bare
    return found


def _breakpoints(parts: Iterable[Part]) -> Iterator[tuple[str, object]]:
    for part in parts:
        if isinstance(part, Result):
            yield from _breakpoints(part.parts)
        if part.cache is not None:
            yield part.text if isinstance(part, Text) else type(part).__name__, part.cache


def restated(conversation: Conversation, wire: str) -> Conversation:
    """Return the conversation in the words of the wire: without losses, and with what it says another way."""
    kept, _ = without_losses(conversation, wire)
    turns = sequence.mended(_settled(turn) for turn in kept.turns)
    functions = any(tool.hosted is None for tool in kept.tools)
    fields = {name: value for fields in kept.vendor.values() for name, value in fields.items()}
    shared = replace(
        kept,
        tool_choice=kept.tool_choice if functions else None,
        parallel_calls=kept.parallel_calls if functions else None,
        tools=tuple(replace(tool, parameters=tool.parameters or EMPTY_SCHEMA) for tool in kept.tools),
        vendor={wire: {name: value for name, value in fields.items() if _says(wire, name, value)}},
    )
    if wire == "openai":
        return _on_openai(shared, turns)
    return _on_anthropic(shared, turns)


def _says(wire: str, name: str, value: object) -> bool:
    if name in WRITERS[wire].OWN_FIELDS:
        return value is not None
    return not (value is None or CHANGES_NOTHING[wire].get(name) == value or (wire == "openai" and not value))


def _settled(turn: Turn) -> Turn:
    if turn.role != "system":
        return turn
    text = "\n\n".join(part.text for part in turn.parts if isinstance(part, Text) and part.text.strip())
    return Turn("user", (Text(MARKED.format(text)),))


def _on_openai(conversation: Conversation, turns: Iterable[Turn]) -> Conversation:
    """Results are text and their images the user's; names and users are as short as OpenAI allows."""
    user, choice = conversation.user, conversation.tool_choice
    if user is not None and len(user) > USER_CHARS_MAX:
        user = hashlib.sha256(user.encode()).hexdigest()
    return replace(
        conversation,
        turns=tuple(Turn(turn.role, tuple(_openai_parts(turn.parts))) for turn in turns),
        tools=tuple(replace(tool, name=short(tool.name)) for tool in conversation.tools),
        tool_choice=choice and replace(choice, name=short(choice.name) if choice.name else ""),
        user=user,
    )


def _openai_parts(parts: Iterable[Part]) -> Iterator[Part]:
    shown: list[Part] = []
    for part in parts:
        match part:
            case Call():
                yield replace(part, name=short(part.name))
            case Result():
                inner = list(_openai_parts(part.parts))
                text = "\n\n".join(each.text for each in inner if isinstance(each, Text))
                text = f"Error: {text}" if part.is_error else text
                yield replace(part, parts=(Text(text),) if text else (), is_error=False)
                shown += [each for each in inner if not isinstance(each, Text)]
            case Media(text=str() as text):
                shown.append(Text(f"{part.title}\n\n{text}" if part.title else text))
            case Media(kind="document"):
                shown.append(replace(part, title=part.title or "document.pdf"))
            case _:
                shown.append(part)
    yield from shown


def _on_anthropic(conversation: Conversation, turns: Iterable[Turn]) -> Conversation:
    """The user begins, nothing ends in white space, there is a number of tokens, and tools if any was called."""
    known = list(turns)
    if not known or known[0].role != "user":
        known.insert(0, Turn("user", (Text(sequence.CONTINUED),)))
    if known[-1].role == "assistant" and isinstance(text := known[-1].parts[-1], Text):
        known[-1] = Turn("assistant", (*known[-1].parts[:-1], replace(text, text=text.text.rstrip())))
    temperature: Any = conversation.temperature
    if not any(tool.hosted is None for tool in conversation.tools):
        conversation = _with_called_tools(conversation, known)
    choice = conversation.tool_choice
    return replace(
        conversation,
        turns=tuple(known),
        max_tokens=conversation.max_tokens or MAX_TOKENS,
        temperature=None if temperature is None else min(temperature, 1),
        parallel_calls=None if choice and choice.mode == "none" else conversation.parallel_calls,
    )


def _with_called_tools(conversation: Conversation, turns: Iterable[Turn]) -> Conversation:
    called = {part.name: None for turn in turns for part in turn.parts if isinstance(part, Call)}
    if not called:
        return conversation
    tools = tuple(Tool(name=name, parameters=EMPTY_SCHEMA) for name in called)
    return replace(conversation, tools=tools, tool_choice=ToolChoice("none"))


def without_losses(conversation: Conversation, wire: str) -> tuple[Conversation, set[str]]:
    """Return the conversation without each thing that `losses` names where it is alone, and all the names."""
    names: set[str] = set()

    def is_lost(**alone: Any) -> bool:
        named = losses(Conversation(**alone), WRITERS[wire].VOCABULARY)
        names.update(named)
        return bool(named)

    def cache(given: object) -> object:
        return None if is_lost(system=(Text("x", cache=given),)) else given

    def parts(given: Iterable[Part]) -> Iterator[Part]:
        for part in given:
            bare = replace(part, cache=None)
            inner = {"parts": tuple(parts(part.parts))} if isinstance(part, Result) else {}
            bare = replace(bare, **inner)
            kept = replace(bare, cache=cache(part.cache))
            if not is_lost(turns=(Turn("user", (bare,)),)):
                yield kept

    def tools(given: Iterable[Tool]) -> Iterator[Tool]:
        for tool in given:
            kept = replace(tool, cache=cache(tool.cache))
            if not is_lost(tools=(replace(tool, cache=None),)):
                yield kept

    stop = conversation.stop
    if is_lost(stop=stop):
        assert len(stop) > STOPS_MAX
        stop = stop[:STOPS_MAX]
    kept = replace(
        conversation,
        system=tuple(replace(text, cache=cache(text.cache)) for text in conversation.system),
        turns=tuple(Turn(turn.role, tuple(parts(turn.parts))) for turn in conversation.turns),
        tools=tuple(tools(conversation.tools)),
        top_k=None if is_lost(top_k=conversation.top_k) else conversation.top_k,
        stop=stop,
        vendor={
            vendor: {
                name: value for name, value in fields.items() if not is_lost(vendor={vendor: {name: value}})
            }
            for vendor, fields in conversation.vendor.items()
        },
    )
    return kept, names
