"""A conversation as a chat completion request.

Source: the API reference of chat completions. Only its fields are written: strict servers reject all others.
"""

import hashlib
from collections.abc import Iterable, Sequence

from coderouter_proxy.wires import sequence, state
from coderouter_proxy.wires.conversation import (
    Body,
    Call,
    Conversation,
    Media,
    Part,
    Result,
    Role,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    Turn,
)
from coderouter_proxy.wires.losses import Vocabulary
from coderouter_proxy.wires.tool_names import short

STOPS_MAX = 4
USER_CHARS_MAX = 64
EMPTY_SCHEMA: Body = {"type": "object", "properties": {}}

# In addition to those of a `Conversation`; clients of other wires may send them as well.
OWN_FIELDS = frozenset(
    {
        "audio",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "modalities",
        "n",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "store",
        "top_logprobs",
        "verbosity",
        "web_search_options",
    }
)
# With these values they change nothing.
_HARMLESS: Body = {"thinking": {"type": "disabled"}}


def _knows_field(name: str, value: object) -> bool:
    return name in OWN_FIELDS or not value or _HARMLESS.get(name) == value


def _knows_media(media: Media) -> bool:
    return media.kind == "image" or media.data is not None or media.text is not None


VOCABULARY = Vocabulary(knows_field=_knows_field, knows_media=_knows_media, strict=True, stops_max=STOPS_MAX)


def write(conversation: Conversation) -> Body:
    """Return the request, without a model; what the wire cannot express is left out."""
    body: Body = {}
    for fields in conversation.vendor.values():
        body |= {name: value for name, value in fields.items() if name in OWN_FIELDS and value is not None}
    body["messages"] = [
        *_system(conversation.system),
        *(
            message
            for turn in sequence.mended(conversation.turns, can_write=_can_write, fit_id=str)
            for message in _messages(turn)
        ),
    ]
    for name in ("max_tokens", "temperature", "top_p", "stream"):
        if (value := getattr(conversation, name)) is not None:
            body[name] = value
    if conversation.stop:
        body["stop"] = list(conversation.stop[:STOPS_MAX])
    if conversation.user:
        body["user"] = user_id(conversation.user)
    if tools := [_tool(tool) for tool in conversation.tools if tool.hosted is None]:
        body["tools"] = tools
        body |= _tool_choice(conversation)
    if conversation.output_schema is not None:
        wanted = conversation.output_schema
        schema: Body = {"name": wanted.name, "schema": wanted.schema}
        if wanted.strict is not None:
            schema["strict"] = wanted.strict
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def user_id(given: str) -> str:
    """Return the id of the user; a longer one, such as Claude Code's, is replaced with its hash."""
    return given if len(given) <= USER_CHARS_MAX else hashlib.sha256(given.encode()).hexdigest()


def _system(texts: Iterable[Text]) -> list[Body]:
    text = "\n\n".join(part.text for part in texts if part.text.strip())
    return [{"role": "system", "content": text}] if text else []


def _can_write(part: Part, role: Role) -> bool:
    match part:
        case Text() | Call() | Result():
            return True
        case Media():
            return role == "user" and _knows_media(part)
        case Thinking():
            return part.state is not None
    return False


def _messages(turn: Turn) -> list[Body]:
    match turn.role:
        case "assistant":
            return [_assistant(turn.parts)]
        case "system":
            return [{"role": "system", "content": "\n\n".join(_texts(turn.parts))}]
        case "user":
            return _user(turn.parts)


def _assistant(parts: Sequence[Part]) -> Body:
    text = "".join(_texts(parts))
    calls = [_call(part) for part in parts if isinstance(part, Call)]
    states = [part.state for part in parts if isinstance(part, (Call, Thinking)) and part.state is not None]
    back = state.openai_fields(state.joined(each.turn for each in states)) if states else {}
    if calls:
        return {"role": "assistant", "content": text or None, **back, "tool_calls": calls}
    return {"role": "assistant", "content": text, **back}


def _call(call: Call) -> Body:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": short(call.name), "arguments": call.arguments},
        **(call.state.call if call.state is not None else {}),
    }


def _user(parts: Iterable[Part]) -> list[Body]:
    """Return tool results first: on this wire they must follow the calls directly."""
    messages: list[Body] = []
    written: list[Body] = []
    for part in parts:
        if isinstance(part, Result):
            text, others = _result(part)
            messages.append({"role": "tool", "tool_call_id": part.call_id, "content": text})
            written += others
        else:
            written += _part(part)
    if written:
        texts = [part["text"] for part in written if part["type"] == "text"]
        only_text = len(texts) == len(written)
        messages.append({"role": "user", "content": "\n\n".join(texts) if only_text else written})
    return messages


def _result(result: Result) -> tuple[str, list[Body]]:
    """Return the text of a tool result, and its images, which go into a user message: a tool message is only text."""
    parts = [each for part in result.parts for each in _part(part)]
    text = "\n\n".join([part["text"] for part in parts if part["type"] == "text"])
    others = [part for part in parts if part["type"] != "text"]
    return (f"Error: {text}" if result.is_error else text), others


def _part(part: Part) -> list[Body]:
    match part:
        case Text():
            return [{"type": "text", "text": part.text}]
        case Media(kind="image"):
            return [{"type": "image_url", "image_url": {"url": _url(part)}}]
        case Media(text=str() as text):
            return [{"type": "text", "text": f"{part.title}\n\n{text}" if part.title else text}]
        case Media(data=str()):
            return [
                {"type": "file", "file": {"filename": part.title or "document.pdf", "file_data": _url(part)}}
            ]
    return []


def _url(media: Media) -> str:
    if media.url is not None:
        return media.url
    return f"data:{media.media_type or 'application/octet-stream'};base64,{media.data or ''}"


def _tool(tool: Tool) -> Body:
    function: Body = {"name": short(tool.name), "parameters": tool.parameters or EMPTY_SCHEMA}
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(conversation: Conversation) -> Body:
    body: Body = {}
    match conversation.tool_choice:
        case ToolChoice(mode="tool", name=name):
            body["tool_choice"] = {"type": "function", "function": {"name": short(name)}}
        case ToolChoice(mode=mode):
            body["tool_choice"] = mode
    if conversation.parallel_calls is False:
        body["parallel_tool_calls"] = False
    return body


def _texts(parts: Iterable[Part]) -> list[str]:
    return [part.text for part in parts if isinstance(part, Text) and part.text]
