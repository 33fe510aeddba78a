"""What a responses request must not contain, because the proxy cannot do it."""

from typing import Any

from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.client import check_parts

_UNSUPPORTED = {
    "background": "answers are not produced in the background; leave it out",
    "conversation": "conversations are not stored; send their items as input, or use previous_response_id",
    "prompt": "prompts are not stored; send the text as instructions or input",
}


def check(body: Body) -> None:
    """Raise an HttpError if the request cannot be answered; the message says what to send instead."""
    for name, reason in _UNSUPPORTED.items():
        if body.get(name):
            raise HttpError(400, f'"{name}" is not supported: {reason}', code="unsupported", param=name)
    previous = body.get("previous_response_id")
    if not isinstance(previous, (str, type(None))):
        raise HttpError(400, '"previous_response_id" is not a string', param="previous_response_id")
    given = body.get("input")
    if given is None and previous is not None:
        return
    if not isinstance(given, (str, list)):
        found = "is missing" if given is None else "is neither a string nor a list"
        raise HttpError(400, f'"input" {found}; send a text or a list of items', param="input")
    if not given and previous is None:
        raise HttpError(400, '"input" is empty; send a text or at least one item', param="input")
    for number, item in enumerate(given if isinstance(given, list) else []):
        _check_item(item, f"input[{number}]")


def _check_item(item: Any, at: str) -> None:  # noqa: ANN401 - of a client
    if not isinstance(item, dict):
        raise HttpError(400, f'"{at}" is not an object; send e.g. {{"role": "user", …}}', param=at)
    match item.get("type"):
        case "compaction":
            raise HttpError(
                400,
                "compacted items can only be read by the API that made them; send the conversation instead",
                code="invalid_encrypted_content",
                param=at,
            )
        case "compaction_trigger":
            raise HttpError(400, "compaction is not supported; summarise with a request", param=at)
        case "item_reference" if not json_values.words(item.get("id")):
            raise HttpError(400, f'"{at}.id" is missing', param=f"{at}.id")
    for name in ("content", "output"):
        parts = item.get(name)
        if not isinstance(parts, list):
            continue
        check_parts(parts, f"{at}.{name}")
        for number, part in enumerate(parts):
            if isinstance(part, dict) and part.get("file_id"):
                where = f"{at}.{name}[{number}].file_id"
                raise HttpError(
                    400, f'"{where}" is not supported: files are not stored; send their data', param=where
                )
