"""Answers that a request refers to and that are not kept here: only a provider of the same wire may have them."""

from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing.router import Routing


def in_order(request: ClientRequest, names: list[str], routing: Routing) -> list[str]:
    """Return the providers that may have what is missing; all of them if nothing is.

    Raises:
        NotKept: something is missing, and none may have it.
    """
    if request.missed is None:
        return names
    clients = routing.clients
    having = [name for name in names if name in clients and clients[name].may_have(request)]
    if not having:
        raise request.missed
    return having
