"""Loops of tool calls: the request ends with the same call, with the same arguments, again and again."""

from collections.abc import Iterator
from typing import Any

import orjson

from coderouter_events.events import ToolLoopDetected
from coderouter_proxy.config.schema import Profile
from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.routing.router import Emit
from coderouter_proxy.wires.clients import CLIENT_WIRES

NOTE = (
    "The same tool call with the same arguments was made {} times in a row. Another one will not give another result: "
    "use other arguments or another tool, or say what is in the way."
)
REFUSED = (
    "the model made the same tool call with the same arguments {} times in a row; say how to continue instead"
)
ARGUMENTS_CHARS_MAX = 4096
"""Longer arguments are compared as they are written, not as JSON."""

_RESULTS = ("tool", "function")  # not sets: a client may send anything as a role
_SYSTEM = ("system", "developer")

Call = tuple[Any, Any]
"""Name and arguments, as any client sends them."""
Key = Call | tuple[Call, ...]


def repeats(request: ClientRequest, profile: Profile) -> int:
    """Return how many times in a row the request ends with the same call; 0 if that is not a loop for the profile."""
    messages = request.outline["messages"]
    if not messages or not _is_result(messages[-1]):
        return 0
    try:
        found = _repeats(messages)
    except RecursionError:  # arguments nested too deeply to be compared
        return 0
    return found if found >= profile.tool_loop_repeats else 0


def acted_on(
    request: ClientRequest, profile: Profile, provider: str, times: int, emit: Emit
) -> ClientRequest:
    """Emit the loop, and return the request as the profile sends it then.

    Raises:
        HttpError: the profile refuses it.
    """
    emit(
        ToolLoopDetected(
            request_id=request.request_id, provider=provider, repeats=times, action=profile.tool_loop
        )
    )
    match profile.tool_loop:
        case "warn":
            return request
        case "inject":
            return CLIENT_WIRES[request.ingress].with_note(request, NOTE.format(times))
        case "refuse":
            raise HttpError(400, REFUSED.format(times), code="tool_loop", retry_is_vain=True)


def _repeats(messages: list[Body]) -> int:
    last: Key | None = None
    count = 0
    for calls in _turns(messages):
        same = all(_same(call, calls[0]) for call in calls[1:])
        key: Key = calls[0] if same else tuple(calls)
        if last is None:
            last = key
        elif not _same_turn(last, key):
            break
        count += len(calls) if same else 1
    return count


def _turns(messages: list[Body]) -> Iterator[list[Call]]:
    """Yield the calls of each turn, the latest first, up to where the user said something."""
    calls: list[Call] = []
    for message in reversed(messages):
        if message.get("role") == "assistant":
            calls[:0] = _calls(message)
        elif _is_result(message):
            if calls:
                yield calls
                calls = []
        elif message.get("role") not in _SYSTEM:
            break
    if calls:
        yield calls


def _is_result(message: Body) -> bool:
    if message.get("role") in _RESULTS:
        return True
    content = message.get("content")
    return (
        message.get("role") == "user"
        and type(content) is list
        and any(type(part) is dict and part.get("type") == "tool_result" for part in content)
    )


def _calls(message: Body) -> list[Call]:
    """Return the calls of a message on any wire; those of Responses are parts here."""
    found: list[Call] = []
    content, calls = message.get("content"), message.get("tool_calls")
    for part in content if type(content) is list else []:
        if type(part) is dict and ("name" in part or "action" in part):
            arguments = next((part[name] for name in ("input", "arguments", "action") if name in part), None)
            found.append((part.get("name"), arguments))
    for call in calls if type(calls) is list else [message]:
        function = call.get("function", call.get("function_call")) if type(call) is dict else None
        if type(function) is dict:
            found.append((function.get("name"), function.get("arguments")))
    return found


def _same_turn(one: Key, other: Key) -> bool:
    if type(one[0]) is not tuple or type(other[0]) is not tuple:
        return type(one[0]) is type(other[0]) and _same(one, other)  # type: ignore[arg-type] # two calls
    return len(one) == len(other) and all(map(_same, one, other))


def _same(one: Call, other: Call) -> bool:
    return bool(one[0] == other[0]) and (one[1] == other[1] or _same_json(one[1], other[1]))


def _same_json(one: object, other: object) -> bool:
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    if max(len(one), len(other)) > ARGUMENTS_CHARS_MAX:
        return False
    try:
        return bool(orjson.loads(one) == orjson.loads(other))
    except orjson.JSONDecodeError:
        return False
