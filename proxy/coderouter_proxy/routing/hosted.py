"""Tools that run at a vendor, such as Anthropic's web search: only the vendor's own API has them."""

from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing.router import Routing
from coderouter_proxy.wires.clients import CLIENT_WIRES


def in_order(request: ClientRequest, names: list[str], routing: Routing) -> list[str]:
    """Return the providers with those that have the request's hosted tools first; only those when one is forced.

    Raises:
        HttpError: one is forced, and no provider that may be tried has it.
    """
    if not request.body.get("tools"):
        return names
    tools = CLIENT_WIRES[request.ingress].hosted_tools(request.body)
    if not tools.names:
        return names
    having = [name for name in names if _has_them(name, request, routing)]
    if not tools.forced:
        return [*having, *(name for name in names if name not in having)]
    if not any(routing.config.allow_paid or not routing.clients[name].provider.paid for name in having):
        raise HttpError(
            400,
            f"the request forces the tool {tools.names[0]!r}, which runs at its vendor, and no provider of this "
            "profile has it; use a profile with the vendor's own API, or leave the tool out",
            code="hosted_tool_unavailable",
            param="tool_choice",
            retry_is_vain=True,
        )
    return having


def _has_them(name: str, request: ClientRequest, routing: Routing) -> bool:
    client = routing.clients.get(name)
    return client is not None and client.runs_hosted_tools(request)
