"""The request that `coderouter explain-route` is given: JSON, or HTTP with its head; by default a short question."""

from collections.abc import Iterator, Sequence
from typing import Any

import click
import orjson

from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.wires.client import decoded_object
from coderouter_proxy.wires.clients import CLIENT_WIRES, wire_of

HELLO_FIELDS = {"responses": ("input",), "embeddings": ("input",), "rerank": ("query", "documents")}
"""The required fields of requests without `messages`."""
HELLO = "Hello."
REQUEST_ID = "req_explained"


def request_in(given: bytes, model: str | None, headers: Sequence[str], wire: str | None) -> ClientRequest:
    """Return the request in the file, with what the options say of it.

    Raises:
        HttpError: the proxy would refuse it.
        click.BadParameter: a header has no colon.
    """
    head, raw = _head_and_body(given)
    path, lines = _path_and_headers(head)
    named = {name.lower().encode(): value.encode() for name, value in _split([*lines, *headers])}
    body = decoded_object(raw) if raw.strip() else {}
    client = next((each for each in CLIENT_WIRES.values() if each.ingress == wire), wire_of(path, named))
    if wire is None and not path and "input" in body and "messages" not in body:
        client = CLIENT_WIRES["responses"]
    if raw.strip() and model is None:
        return client.decode(REQUEST_ID, raw, named)
    if not body:
        body = {"model": "any", **_hello(client.ingress)}
    if model is not None:
        body["model"] = model
    try:
        return client.decode(REQUEST_ID, orjson.dumps(body), named)
    except orjson.JSONEncodeError as error:
        raise HttpError(400, f"the body cannot be read: {error}") from None


def _hello(ingress: str) -> dict[str, Any]:
    fields = HELLO_FIELDS.get(ingress)
    if fields is None:
        return {"messages": [{"role": "user", "content": HELLO}]}
    return dict.fromkeys(fields, HELLO)


def _head_and_body(given: bytes) -> tuple[str, bytes]:
    if not given.strip() or given.lstrip().startswith((b"{", b"[")):
        return "", given
    head, _, body = given.replace(b"\r\n", b"\n").lstrip(b"\n").partition(b"\n\n")
    return head.decode("latin-1"), body


def _path_and_headers(head: str) -> tuple[str, list[str]]:
    """Return the path of the request line, if there is one, and the lines of the headers."""
    first, *rest = head.splitlines() or [""]
    words = first.split()
    if len(words) > 1 and not words[0].endswith(":") and words[1].startswith("/"):
        return words[1].partition("?")[0], rest
    return "", [first, *rest] if first else []


def _split(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise click.BadParameter(f"{line!r} is not NAME: VALUE", param_hint="--header")
        yield name.strip(), value.strip()
