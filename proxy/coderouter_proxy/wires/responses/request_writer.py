"""A conversation as a responses request, which refers to nothing that is stored.

Source: the API reference of responses. Only functions are written as tools: not every server knows another type.
"""

from collections.abc import Iterable, Iterator

from coderouter_proxy.wires import sequence
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
from coderouter_proxy.wires.openai.request_writer import user_id
from coderouter_proxy.wires.responses.returned_items import reasoning_items
from coderouter_proxy.wires.tool_names import short

SEALED = "reasoning.encrypted_content"
EMPTY_SCHEMA: Body = {"type": "object", "properties": {}}

# In addition to those of a `Conversation`; clients of other wires may send them as well.
OWN_FIELDS = frozenset({"prompt_cache_key", "prompt_cache_retention", "safety_identifier", "service_tier"})
_AS_TEXT = frozenset({"response_format", "verbosity"})
# With these values they change nothing.
_HARMLESS: Body = {
    "thinking": {"type": "disabled"},
    "n": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logprobs": False,
    "store": False,
}


def _knows_field(name: str, value: object) -> bool:
    return name in OWN_FIELDS or name in _AS_TEXT or not value or _HARMLESS.get(name) == value


def knows_media(media: Media) -> bool:
    return media.kind == "image" or media.data is not None or media.url is not None or media.text is not None


VOCABULARY = Vocabulary(knows_field=_knows_field, knows_media=knows_media, strict=True, stops_max=0)


def write(conversation: Conversation, *, own_api: bool) -> Body:
    """Return the request, without a model; what the wire cannot express is left out.

    `own_api`: it goes to OpenAI, which takes images in the results of tools, and reasoning only sealed.
    """
    body: Body = {}
    given = {name: value for fields in conversation.vendor.values() for name, value in fields.items()}
    body |= {name: value for name, value in given.items() if name in OWN_FIELDS and value is not None}
    if instructions := "\n\n".join(part.text for part in conversation.system if part.text.strip()):
        body["instructions"] = instructions
    body["input"] = [
        item
        for turn in sequence.mended(conversation.turns, can_write=_can_write, fit_id=str)
        for item in items(turn, own_api=own_api)
    ]
    for name, value in (
        ("max_output_tokens", conversation.max_tokens),
        ("temperature", conversation.temperature),
        ("top_p", conversation.top_p),
        ("stream", conversation.stream),
    ):
        if value is not None:
            body[name] = value
    if conversation.user:
        body["user"] = user_id(conversation.user)
    if tools := [tool_of(tool) for tool in conversation.tools if tool.hosted is None]:
        body["tools"] = tools
        body |= choice_of(conversation)
    if text := _text(conversation, given):
        body["text"] = text
    return {**body, "store": False, "include": [SEALED]}


def items(turn: Turn, *, own_api: bool) -> Iterator[Body]:
    """Yield the items for a turn."""
    match turn.role:
        case "assistant":
            yield from _assistant(turn.parts, own_api=own_api)
        case "system":
            if text := "\n\n".join(_texts(turn.parts)):
                yield _message("system", text)
        case "user":
            yield from _user(turn.parts, own_api=own_api)


def tool_of(tool: Tool) -> Body:
    """Return a function; without `strict` it would be that at OpenAI."""
    written: Body = {"type": "function", "name": short(tool.name)}
    if tool.description:
        written["description"] = tool.description
    return {**written, "parameters": tool.parameters or EMPTY_SCHEMA, "strict": bool(tool.strict)}


def choice_of(conversation: Conversation) -> Body:
    body: Body = {}
    match conversation.tool_choice:
        case ToolChoice(mode="tool", name=name):
            body["tool_choice"] = {"type": "function", "name": short(name)}
        case ToolChoice(mode=mode):
            body["tool_choice"] = mode
    if conversation.parallel_calls is False:
        body["parallel_tool_calls"] = False
    return body


def _can_write(part: Part, role: Role) -> bool:
    match part:
        case Text() | Call() | Result():
            return True
        case Media():
            return role == "user" and knows_media(part)
        case Thinking():
            return part.state is not None
    return False


def _assistant(parts: Iterable[Part], *, own_api: bool) -> Iterator[Body]:
    """Yield reasoning that came back with a call before the text that the model wrote between the two."""
    said: list[str] = []
    for part in parts:
        if isinstance(part, Text):
            said.append(part.text)
            continue
        if isinstance(part, Call):
            yield from reasoning_items(part.state, own_api=own_api)
        if said:
            yield _message("assistant", "".join(said))
            said = []
        if isinstance(part, Thinking):
            yield from reasoning_items(part.state, own_api=own_api)
        if isinstance(part, Call):
            call = {"type": "function_call", "call_id": part.id, "name": short(part.name)}
            yield {**call, "arguments": part.arguments}
    if said:
        yield _message("assistant", "".join(said))


def _user(parts: Iterable[Part], *, own_api: bool) -> Iterator[Body]:
    """Yield results first; servers other than OpenAI's get the images in them as a message of the user."""
    written: list[Body] = []
    for part in parts:
        if not isinstance(part, Result):
            written += _part(part)
            continue
        inner = [each for result in part.parts for each in _part(result)]
        text = "\n\n".join([each["text"] for each in inner if each["type"] == "input_text"])
        text = f"Error: {text}" if part.is_error else text
        others = [each for each in inner if each["type"] != "input_text"]
        output: object = text
        if others and own_api:
            output = [*([{"type": "input_text", "text": text}] if text else []), *others]
        else:
            written += others
        yield {"type": "function_call_output", "call_id": part.call_id, "output": output}
    if written:
        texts = [part["text"] for part in written if part["type"] == "input_text"]
        yield _message("user", "\n\n".join(texts) if len(texts) == len(written) else written)


def _message(role: str, content: object) -> Body:
    return {"type": "message", "role": role, "content": content}


def _part(part: Part) -> list[Body]:
    match part:
        case Text():
            return [{"type": "input_text", "text": part.text}]
        case Media(kind="image"):
            return [{"type": "input_image", "image_url": _url(part), "detail": "auto"}]
        case Media(text=str() as text):
            return [{"type": "input_text", "text": f"{part.title}\n\n{text}" if part.title else text}]
        case Media(url=str() as url):
            return [{"type": "input_file", "file_url": url}]
        case Media(data=str()):
            return [{"type": "input_file", "filename": part.title or "document.pdf", "file_data": _url(part)}]
    return []


def _url(media: Media) -> str:
    if media.url is not None:
        return media.url
    return f"data:{media.media_type or 'application/octet-stream'};base64,{media.data or ''}"


def _text(conversation: Conversation, given: Body) -> Body:
    """Return the form of the answer."""
    text: Body = {}
    if (wanted := conversation.output_schema) is not None:
        text["format"] = {
            "type": "json_schema",
            "name": wanted.name,
            "schema": wanted.schema,
            "strict": wanted.strict,
        }
    elif isinstance(form := given.get("response_format"), dict) and form.get("type") == "json_object":
        text["format"] = {"type": "json_object"}
    if isinstance(verbosity := given.get("verbosity"), str):
        text["verbosity"] = verbosity
    return text


def _texts(parts: Iterable[Part]) -> list[str]:
    return [part.text for part in parts if isinstance(part, Text) and part.text]
