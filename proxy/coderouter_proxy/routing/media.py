"""Images and documents in a request: providers that take none of them are tried last, with texts in their place."""

from collections.abc import Mapping

from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.providers.client import ProviderClient
from coderouter_proxy.request import Body
from coderouter_proxy.routing.capabilities import DOCUMENTS, IMAGES, kinds_of_parts


def in_order(body: Body, names: list[str], clients: Mapping[str, ProviderClient]) -> list[str]:
    """Return the providers with those last that do not take what the request holds."""
    if len(names) < 2:
        return names
    for name in names:
        client = clients.get(name)
        if client is not None and not (client.traits.images and client.traits.documents):
            break
    else:
        return names
    known = {name: clients[name].traits for name in names if name in clients}
    kinds = kinds_of_parts(body)
    return sorted(names, key=lambda name: name in known and not _takes(known[name], kinds))


def _takes(traits: ProviderTraits, kinds: set[str]) -> bool:
    return (traits.images or kinds.isdisjoint(IMAGES)) and (traits.documents or kinds.isdisjoint(DOCUMENTS))
