"""What the Responses API accepts as a request and as items of the input; its SDK's types say which fields there are."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Required, get_args, get_origin, get_type_hints

from openai.types.responses.response_create_params import ResponseCreateParamsBase
from openai.types.responses.response_input_item_param import ResponseInputItemParam

from real_agents.providers.conversation import Body, Refused

ID_CHARS_MAX = 64
OUTPUT_TOKENS_MIN = 16
# OpenAI takes the second from codex, though its SDK does not have it.
FIELDS = {*ResponseCreateParamsBase.__annotations__, "stream", "client_metadata"}
PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "tool_search_call": "tsc",
    "reasoning": "rs",
}
ROLES = {"user", "assistant", "system", "developer"}
SAID = {"output_text", "refusal"}
GIVEN = {"input_text", "input_image", "input_file"}
CALLS = {"function_call", "custom_tool_call", "tool_search_call"}
OUTPUTS = {f"{call}_output" for call in CALLS if call != "tool_search_call"} | {"tool_search_output"}


@dataclass(frozen=True)
class Shape:
    """The fields that an object may have, and those that it must have."""

    known: frozenset[str]
    required: frozenset[str]


def typed(union: Any) -> dict[str, Shape]:
    """Return the shape of each `type` of a union of the SDK's."""
    shapes: dict[str, Shape] = {}
    for each in get_args(union):
        hints = get_type_hints(each, include_extras=True)
        # The SDK's annotations are strings, so the class itself does not know which of them are required.
        required = frozenset(name for name, hint in hints.items() if get_origin(hint) is Required)
        for kind in get_args(get_type_hints(each).get("type")):
            shapes[kind] = Shape(frozenset(hints), required)
    return shapes


ITEMS = typed(ResponseInputItemParam)


def check_request(body: Body) -> None:
    """Check the fields of a request.

    Raises:
        Refused
    """
    check_fields(body, FIELDS, {"model"}, "")
    if not body.get("input") and not body.get("previous_response_id"):
        raise Refused('One of "input" or "previous_response_id" must be provided.')
    most = body.get("max_output_tokens")
    if most is not None and most < OUTPUT_TOKENS_MIN:
        raise Refused(
            f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {OUTPUT_TOKENS_MIN}."
        )
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema" and not form.get("name"):
        raise Refused("Missing required parameter: 'text.format.name'.")


def check(items: list[Body]) -> None:
    """Check the items of a conversation, and that each call has its output.

    Raises:
        Refused
    """
    waiting: dict[str, str] = {}
    for index, item in enumerate(items):
        where = f"input[{index}]"
        kind = item.get("type") or "message"
        if kind == "message":
            _check_message(item, where)
        elif kind not in ITEMS:
            raise Refused(
                f"Invalid value: '{kind}'. Supported values are those of the reference. ({where}.type)"
            )
        else:
            check_fields(item, ITEMS[kind].known | {"status"}, ITEMS[kind].required, where)
        _check_ids(item, kind, where)
        if kind in CALLS:
            waiting[item["call_id"]] = kind
        elif kind in OUTPUTS and waiting.pop(item["call_id"], None) is None:
            raise Refused(f"No tool call found for {kind.replace('_', ' ')} with call_id {item['call_id']}.")
    if waiting:
        raise Refused(f"No tool output found for function call {next(iter(waiting))}.")


def check_fields(given: Body, known: Iterable[str], required: Iterable[str], where: str) -> None:
    """Check that fields are known, and that none is missing.

    Raises:
        Refused
    """
    prefix = f"{where}." if where else ""
    if unknown := sorted(given.keys() - set(known)):
        raise Refused(f"Unknown parameter: '{prefix}{unknown[0]}'.")
    if missing := sorted(set(required) - given.keys()):
        raise Refused(f"Missing required parameter: '{prefix}{missing[0]}'.")


def is_output(item: Body) -> bool:
    return item.get("type") in OUTPUTS


def is_assistants(item: Body) -> bool:
    return item.get("type") in CALLS or item.get("role") == "assistant"


def result(item: Body) -> str:
    """Return the text of a tool's output; of a search, the tools that it found."""
    return str(item["tools"]) if item["type"] == "tool_search_output" else text(item["output"])


def text(content: str | list[Body]) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _check_message(item: Body, where: str) -> None:
    check_fields(item, {"type", "id", "role", "content", "status", "phase"}, {"role", "content"}, where)
    role = item["role"]
    if role not in ROLES:
        raise Refused(f"Invalid value: '{role}'. ({where}.role)")
    allowed = SAID if role == "assistant" else GIVEN
    for number, part in enumerate(() if isinstance(item["content"], str) else item["content"]):
        if part.get("type") not in allowed:
            raise Refused(f"Invalid value: '{part.get('type')}'. ({where}.content[{number}].type)")


def _check_ids(item: Body, kind: str, where: str) -> None:
    for name in ("id", "call_id"):
        if len(item.get(name) or "") > ID_CHARS_MAX:
            raise Refused(
                f"Invalid '{where}.{name}': string too long. Expected a string with maximum length {ID_CHARS_MAX}."
            )
    prefix = PREFIXES.get(kind)
    if prefix and item.get("id") is not None and not item["id"].startswith(prefix):
        raise Refused(f"Invalid '{where}.id': '{item['id']}'. Expected an ID that begins with '{prefix}'.")
