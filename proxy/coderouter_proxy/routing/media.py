"""Images and documents in a request: providers that take none of them are tried last, with texts in their place."""

from collections.abc import Iterator, Mapping
from typing import Any

from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.providers.client import ProviderClient
from coderouter_proxy.request import Body

IMAGES = frozenset({"image", "image_url", "input_image"})
DOCUMENTS = frozenset({"document", "file", "input_file"})


def in_order(body: Body, names: list[str], clients: Mapping[str, ProviderClient]) -> list[str]:
    """Return the providers with those last that do not take what the request holds."""
    known = {name: clients[name].traits for name in names if name in clients}
    if all(traits.images and traits.documents for traits in known.values()):
        return names
    kinds = set(_kinds(body.get("messages")))
    return sorted(names, key=lambda name: name in known and not _takes(known[name], kinds))


def _takes(traits: ProviderTraits, kinds: set[str]) -> bool:
    return (traits.images or kinds.isdisjoint(IMAGES)) and (traits.documents or kinds.isdisjoint(DOCUMENTS))


def _kinds(value: Any) -> Iterator[str]:  # noqa: ANN401 - of a client
    """Yield the type of every part of the messages, also of those in tool results."""
    for each in value if isinstance(value, list) else []:
        if isinstance(each, dict):
            if isinstance(kind := each.get("type"), str):
                yield kind
            yield from _kinds(each.get("content"))
