"""A conversation as a messages request.

Source: the API reference of messages. Only fields that Anthropic knows are written: it rejects all others.
"""

import re
from collections.abc import Iterable

from coderouter_proxy.wires import json_values, sequence, state
from coderouter_proxy.wires.conversation import (
    Body,
    Call,
    Conversation,
    Media,
    Part,
    Result,
    Role,
    Text,
    Tool,
    Turn,
)
from coderouter_proxy.wires.losses import Vocabulary
from coderouter_proxy.wires.system_text import MARKED

MAX_TOKENS = 32_000
"""For a model of which no limit is known; one with a lower limit names it in its refusal, which is learnt."""
CHOICES = {"auto": "auto", "required": "any", "none": "none", "tool": "tool"}
EMPTY_SCHEMA: Body = {"type": "object", "properties": {}}

# In addition to those of a `Conversation`; clients of other wires may send them as well.
OWN_FIELDS = frozenset({"thinking", "output_config"})
_TIERS = ("auto", "standard_only")  # of `service_tier`; OpenAI has other values
_HARMLESS: Body = {
    "n": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logprobs": False,
    "store": False,
    "service_tier": "default",
}
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_-]")


def _knows_field(name: str, value: object) -> bool:
    if value is None or name in OWN_FIELDS or (name in _HARMLESS and _HARMLESS[name] == value):
        return True
    return name == "service_tier" and value in _TIERS


VOCABULARY = Vocabulary(
    knows_field=_knows_field,
    knows_media=lambda media: media.kind in ("image", "document"),
    cache=True,
    top_k=True,
)


def write(conversation: Conversation, max_tokens: int = MAX_TOKENS) -> Body:
    """Return the request, without a model; what the wire cannot express is left out.

    `max_tokens` is for a conversation that sets no limit: this wire requires one.
    """
    body: Body = {}
    for fields in conversation.vendor.values():
        body |= {name: value for name, value in fields.items() if name in OWN_FIELDS and value is not None}
        if fields.get("service_tier") in _TIERS:
            body["service_tier"] = fields["service_tier"]
    body["max_tokens"] = conversation.max_tokens or max_tokens
    if system := _system(conversation.system):
        body["system"] = system
    body["messages"] = _messages(conversation.turns, thinks=_thinks(body))
    for name in ("top_p", "top_k", "stream"):
        if (value := getattr(conversation, name)) is not None:
            body[name] = value
    if (temperature := conversation.temperature) is not None:
        body["temperature"] = min(temperature, 1) if isinstance(temperature, (int, float)) else temperature
    if conversation.stop:
        body["stop_sequences"] = list(conversation.stop)
    if conversation.user:
        body["metadata"] = {"user_id": conversation.user}
    if tools := [_tool(tool) for tool in conversation.tools if tool.hosted is None]:
        body["tools"] = tools
        body |= _tool_choice(conversation)
    elif called := _called(body["messages"]):
        body["tools"] = called
        body["tool_choice"] = {"type": "none"}
    if conversation.output_schema is not None:
        config = body.get("output_config")
        given = config if isinstance(config, dict) else {}
        body["output_config"] = {
            **given,
            "format": {"type": "json_schema", "schema": conversation.output_schema.schema},
        }
    return body


def _system(texts: Iterable[Text]) -> str | list[Body]:
    """Return one text, or blocks if there are cache breakpoints to keep in place."""
    kept = [part for part in texts if part.text.strip()]
    if any(part.cache is not None for part in kept):
        return [block for part in kept for block in _block(part)]
    return "\n\n".join(part.text for part in kept)


def _thinks(body: Body) -> bool:
    thinking = body.get("thinking")
    return isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive")


def _messages(turns: Iterable[Turn], *, thinks: bool) -> list[Body]:
    """Return the messages; the first has to be the user's."""
    by_user = [_by_user(turn) if turn.role == "system" else turn for turn in turns]
    messages: list[Body] = [
        {"role": turn.role, "content": _content(turn, thinks=thinks)}
        for turn in sequence.mended(by_user, can_write=_can_write, fit_id=_fit_id)
    ]
    if messages[0]["role"] != "user":
        messages.insert(0, {"role": "user", "content": [{"type": "text", "text": sequence.CONTINUED}]})
    last = messages[-1]
    if last["role"] == "assistant" and isinstance(text := last["content"][-1].get("text"), str):
        last["content"][-1]["text"] = text.rstrip()  # Anthropic rejects white space at the end
    return messages


def _content(turn: Turn, *, thinks: bool) -> list[Body]:
    """Return the blocks; the thinking that led to the first call begins the message, as Anthropic requires."""
    content: list[Body] = []
    called = False
    for part in turn.parts:
        if isinstance(part, Call):
            thoughts = part.state.turn.get(state.THINKING) if part.state is not None and thinks else None
            if isinstance(thoughts, list):
                at = len(content) if called else 0
                content[at:at] = thoughts
            called = True
        content += _block(part)
    return content


def _by_user(turn: Turn) -> Turn:
    """Return the turn as a user's turn: this wire has no system text in the middle."""
    texts = [part for part in turn.parts if isinstance(part, Text) and part.text.strip()]
    text = MARKED.format("\n\n".join(part.text for part in texts))
    return Turn("user", (Text(text, cache=texts[-1].cache),) if texts else ())


def _can_write(part: Part, role: Role) -> bool:
    return isinstance(part, (Text, Call, Result)) or (isinstance(part, Media) and role == "user")


def _block(part: Part) -> list[Body]:
    block = _bare_block(part)
    if block is None:
        return []
    return [block if part.cache is None else {**block, "cache_control": part.cache}]


def _bare_block(part: Part) -> Body | None:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Call():
            return {
                "type": "tool_use",
                "id": part.id,
                "name": part.name,
                "input": json_values.arguments(part.arguments),
            }
        case Result():
            content = [block for inner in part.parts for block in _block(inner)]
            result: Body = {
                "type": "tool_result",
                "tool_use_id": part.call_id,
                "content": content or "",
            }
            return {**result, "is_error": True} if part.is_error else result
        case Media():
            block: Body = {"type": part.kind, "source": _source(part)}
            return {**block, "title": part.title} if part.title and part.kind == "document" else block
    return None


def _fit_id(given: str) -> str:
    return _NOT_IN_ID.sub("_", given)


def _source(media: Media) -> Body:
    if media.url is not None:
        return {"type": "url", "url": media.url}
    if media.text is not None:
        return {"type": "text", "media_type": "text/plain", "data": media.text}
    return {"type": "base64", "media_type": media.media_type, "data": media.data}


def _tool(tool: Tool) -> Body:
    written: Body = {"name": tool.name, "input_schema": tool.parameters or EMPTY_SCHEMA}
    if tool.description:
        written["description"] = tool.description
    return written if tool.cache is None else {**written, "cache_control": tool.cache}


def _called(messages: Iterable[Body]) -> list[Body]:
    """Return tools that were called earlier, for a request that has none, such as codex's for a summary.

    "Requests which include `tool_use` or `tool_result` blocks must define `tools`", Anthropic and Bedrock answer else.
    """
    blocks = (block for message in messages for block in message["content"])
    names = {block["name"]: None for block in blocks if block.get("type") == "tool_use"}
    return [{"name": name, "input_schema": EMPTY_SCHEMA} for name in names]


def _tool_choice(conversation: Conversation) -> Body:
    choice = conversation.tool_choice
    alone = conversation.parallel_calls is False
    if choice is None and not alone:
        return {}
    mode = choice.mode if choice else "auto"
    written: Body = {"type": CHOICES[mode]}
    if choice and mode == "tool":
        written["name"] = choice.name
    if alone and mode != "none":
        written["disable_parallel_tool_use"] = True
    return {"tool_choice": written}
