"""The input of a request with all that it refers to: a previous response, and items by their ids."""

from collections.abc import Iterable

import orjson

from coderouter_proxy.errors import NotKept
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.responses.carried import carried
from coderouter_proxy.wires.responses.memory import Memory

# Clients and wrappers of SDKs look for these words of OpenAI's API, and then send everything again.
ITEM_NOT_KEPT = (
    "Item with id '{}' not found. Items are not persisted when `store` is set to false. "
    "Try again with `store` set to true, or remove this item from your input."
)
ID_CHARS_MAX = 100  # of what a message repeats
RESPONSE_NOT_KEPT = "Previous response with id '{}' not found."


def resolved(body: Body, memory: Memory) -> tuple[list[Body], NotKept | None]:
    """Return the items of the input, those of the previous response first, and the error for the first that is missing.

    What is missing is left out; of items, the reference stays in their place.
    """
    previous = body.get("previous_response_id")
    reader = _Reader(memory)
    before: list[Body] = []
    missed: NotKept | None = None
    if isinstance(previous, str):
        try:
            before = reader.before(previous)
        except NotKept as error:
            missed = error
    items: list[Body] = []
    for item in input_items(body):
        try:
            items += reader.items([item])
        except NotKept as error:
            missed = missed or error
            items.append(item)
    return [*before, *items], missed


def for_provider(request: ClientRequest, memory: Memory, origin: str) -> Body:
    """Return the request for a provider of the same wire: it refers to what this provider may have, and holds the rest.

    The provider may have what it made itself, and what is not kept here.
    """
    given = request.given
    if given is None:
        return request.body
    previous = given.get("previous_response_id")
    chain = memory.chain(previous) if isinstance(previous, str) else None
    if chain is not None and chain[-1].made_by != origin:
        return {name: value for name, value in request.body.items() if name != "previous_response_id"}
    if not isinstance(given.get("input"), list):
        return given
    reader = _Reader(memory)
    return {**given, "input": [reader.unless_made_by(origin, item) for item in given["input"]]}


def input_items(body: Body) -> list[Body]:
    """Return the items of the input; a text is a message of the user."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return given if isinstance(given, list) else []


class _Reader:
    """Reads what one request refers to; each response once, however many of its items are wanted."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._found: dict[str, Body] = {}  # by id

    def before(self, previous_id: str) -> list[Body]:
        """Return the conversation up to and with a response."""
        chain = self._memory.chain(previous_id)
        if chain is None:
            raise _response_not_kept(previous_id)
        items: list[Body] = []
        for kept in chain:
            try:
                items += self.items(input_items(orjson.loads(kept.request)))
            except NotKept:
                raise _response_not_kept(previous_id) from None
            items += kept.items().values()
        return items

    def items(self, given: Iterable[Body]) -> list[Body]:
        return [self._item(item) if item.get("type") == "item_reference" else item for item in given]

    def unless_made_by(self, origin: str, item: Body) -> Body:
        """Return the item, or a reference to one of this provider or to one that is not kept."""
        if item.get("type") != "item_reference":
            return item
        kept = self._memory.with_item(json_values.words(item.get("id")))
        if kept is not None and kept.made_by == origin:
            return item
        try:
            return self._item(item)
        except NotKept:
            return item

    def _item(self, reference: Body) -> Body:
        item_id = json_values.words(reference.get("id"))
        item = self._found.get(item_id) or carried(item_id) or self._remembered(item_id)
        if item is None:
            raise NotKept("item", ITEM_NOT_KEPT.format(item_id[:ID_CHARS_MAX]), status=404, param="input")
        return item

    def _remembered(self, item_id: str) -> Body | None:
        kept = self._memory.with_item(item_id)
        if kept is not None:
            self._found.update(kept.items())
        return self._found.get(item_id)


def _response_not_kept(previous_id: str) -> NotKept:
    return NotKept(
        "response",
        RESPONSE_NOT_KEPT.format(previous_id[:ID_CHARS_MAX]),
        status=400,
        param="previous_response_id",
        code="previous_response_not_found",
    )
