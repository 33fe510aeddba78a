"""What clients do with a response by its id: read it, list its input, cancel it, delete it.

Source: the API reference of responses. Each function returns JSON, and raises an HttpError if the response is not kept.
"""

from collections.abc import Mapping
from typing import NoReturn

import orjson

from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.responses.memory import Kept, Memory
from coderouter_proxy.wires.responses.references import ID_CHARS_MAX, resolved
from coderouter_proxy.wires.responses.response import Response

NOT_FOUND = "Response with id '{}' not found."
PAGE_ITEMS = 20
PAGE_ITEMS_MAX = 100


def whole(memory: Memory, response_id: str, query: Mapping[str, str]) -> bytes:
    """Return the response as its client got it."""
    kept = _kept(memory, response_id)
    if query.get("stream") == "true":
        raise HttpError(400, "a response is only streamed once; leave stream out", param="stream")
    if kept.made_by:
        return kept.ended
    body: Body = orjson.loads(kept.request)
    response = Response(response_id, body, model="", created_at=0, stored=True)
    return response.with_end(kept.ended)


def deleted(memory: Memory, response_id: str) -> bytes:
    if not memory.delete(response_id):
        raise _not_found(response_id)
    return orjson.dumps({"id": response_id, "object": "response", "deleted": True})


def cancelled(memory: Memory, response_id: str) -> NoReturn:
    """Raise an HttpError: what is kept has ended."""
    _kept(memory, response_id)
    raise HttpError(400, "only background responses can be cancelled, and none is produced here")


def input_items(memory: Memory, response_id: str, query: Mapping[str, str]) -> bytes:
    """Return a page of the input, previous responses included; the newest first unless `order` is `asc`."""
    kept = _kept(memory, response_id)
    given, missed = resolved(orjson.loads(kept.request), memory)
    if missed is not None:
        raise missed
    of = response_id.removeprefix("resp_")
    items = [_shown(item, f"item_{of}{number:04x}") for number, item in enumerate(given)]
    if _one_of(query, "order", ("desc", "asc")) == "desc":
        items.reverse()
    ids = [item["id"] for item in items]
    if after := query.get("after"):
        if after not in ids:
            raise HttpError(400, f"no item has the id {after[:ID_CHARS_MAX]!r}", param="after")
        items = items[ids.index(after) + 1 :]
    page = items[: _limit(query)]
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": "", "last_id": ""}
    try:
        return orjson.dumps({"object": "list", "data": page, "has_more": len(page) < len(items), **ends})
    except orjson.JSONEncodeError:
        raise HttpError(400, "the input is nested too deeply to be listed") from None


def _kept(memory: Memory, response_id: str) -> Kept:
    kept = memory.response(response_id)
    if kept is None:
        raise _not_found(response_id)
    return kept


def _not_found(response_id: str) -> HttpError:
    return HttpError(404, NOT_FOUND.format(response_id[:ID_CHARS_MAX]), param="response_id")


def _shown(item: Body, own_id: str) -> Body:
    """Return the item with what clients may leave out when they send it."""
    shown: Body = {"type": "message", "status": "completed", **item}
    shown["id"] = json_values.words(item.get("id")) or own_id
    if isinstance(content := item.get("content"), str):
        by_model = item.get("role") == "assistant"
        part = {"type": "output_text", "annotations": []} if by_model else {"type": "input_text"}
        shown["content"] = [{**part, "text": content}]
    elif isinstance(content, list):
        shown["content"] = [_with_detail(part) for part in content]
    return shown


def _with_detail(part: object) -> object:
    if isinstance(part, dict) and part.get("type") == "input_image":
        return {"detail": "auto", **part}
    return part


def _one_of(query: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    """Return the parameter; the first of the known values if it is missing."""
    value = query.get(name) or known[0]
    if value not in known:
        raise HttpError(400, f"{name} is not {' or '.join(known)}", param=name)
    return value


def _limit(query: Mapping[str, str]) -> int:
    given = query.get("limit") or str(PAGE_ITEMS)
    if not (given.isascii() and given.isdecimal() and len(given) < 4 and 0 < int(given) <= PAGE_ITEMS_MAX):
        raise HttpError(400, f"limit is not a number from 1 to {PAGE_ITEMS_MAX}", param="limit")
    return int(given)
