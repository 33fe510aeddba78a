"""`functions` and `function_call`, the older form of tools and calls; an answer has one call at most."""

from coderouter_proxy.request import Body


def uses_functions(body: Body) -> bool:
    """Return whether a client knows only the older form."""
    return bool(body.get("functions")) and not body.get("tools")


def with_function_call(said: Body) -> Body:
    """Return a message or a delta with its first call in the older form; the same object if it has no calls."""
    calls = said.get("tool_calls")
    if not isinstance(calls, list) or not calls:
        return said
    kept = {name: value for name, value in said.items() if name != "tool_calls"}
    functions = [call.get("function") for call in calls if isinstance(call, dict) and not call.get("index")]
    return {**kept, "function_call": functions[0]} if functions else kept


def finish_reason(reason: object) -> object:
    return "function_call" if reason == "tool_calls" else reason
