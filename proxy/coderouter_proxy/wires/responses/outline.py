"""A responses request as routing looks at it: in the shape of the wires that have `messages`."""

from coderouter_proxy.request import Body
from coderouter_proxy.wires.responses.tools import given_tools

_NOT_SAID = ("additional_tools", "configuration_update")


def outline(body: Body) -> Body:
    """Return the request with its items as messages; parts stay as they are."""
    return {
        "model": body.get("model"),
        "system": body.get("instructions"),
        "messages": [_message(item) for item in body["input"] if item.get("type") not in _NOT_SAID],
        "tools": list(given_tools(body)),
    }


def _message(item: Body) -> Body:
    if "role" in item:
        return item
    if item.get("type") == "reasoning":
        return {"role": "assistant", "content": item.get("summary")}
    if "output" in item:
        return {"role": "tool", "content": item["output"]}
    return {"role": "assistant", "content": [item]}
