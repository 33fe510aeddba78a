"""Tools that run at a vendor, such as Anthropic's web search: only the vendor's own API has them."""

from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing.router import Routing
from coderouter_proxy.wires.clients import CLIENT_WIRES


def in_order(request: ClientRequest, names: list[str], routing: Routing) -> list[str]:
    """Return the providers with those that have the request's hosted tools first; only those when one is forced.

    A paid provider that must not be tried stays in its place.

    Raises:
        HttpError: one is forced, and none of the providers that may be tried has it.
    """
    if not request.outline.get("tools"):
        return names
    tools = CLIENT_WIRES[request.ingress].hosted_tools(request.body)
    if not tools.names:
        return names
    having = [name for name in names if _has_them(name, request, routing)]
    first = [name for name in having if routing.config.allow_paid or not routing.clients[name].provider.paid]
    if tools.forced is None:
        return [*first, *(name for name in names if name not in first)]
    if not first:
        paid = f" but {', '.join(having)}, which is paid while allow_paid is false" if having else ""
        raise HttpError(
            400,
            f"the request forces the tool {tools.forced!r}, which only the API of its vendor has, and no provider of "
            f"this profile is that{paid}; use a profile with one, or leave the tool out",
            code="hosted_tool_unavailable",
            param="tool_choice",
            retry_is_vain=True,
        )
    return having


def _has_them(name: str, request: ClientRequest, routing: Routing) -> bool:
    client = routing.clients.get(name)
    return client is not None and client.runs_hosted_tools(request)
