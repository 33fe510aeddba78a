"""The tools that our own agents give to the model, and what they print at their end. Standard library only."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATH = {"type": "string", "description": "The path of the file."}
SCHEMAS: dict[str, dict[str, Any]] = {
    "write_file": {"path": PATH, "text": {"type": "string", "description": "What the file holds."}},
    "read_file": {"path": PATH},
    "count_bytes": {"path": PATH},
}


def write_file(path: str, text: str) -> str:
    """Write a file."""
    Path(path).write_text(text, encoding="utf-8")
    return "written"


def read_file(path: str) -> str:
    """Read a file."""
    return Path(path).read_text(encoding="utf-8")


def count_bytes(path: str) -> str:
    """Count the bytes of a file."""
    return str(Path(path).stat().st_size)


TOOLS: tuple[Callable[..., str], ...] = (write_file, read_file, count_bytes)


def schema(name: str) -> dict[str, Any]:
    """Return the JSON schema of a tool's arguments."""
    properties = SCHEMAS[name]
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def run(name: str, given: Any) -> tuple[str, bool]:
    """Return the result of a tool, or the error, and whether it is an error."""
    [tool] = [tool for tool in TOOLS if tool.__name__ == name]
    try:
        return tool(**given), False
    except OSError as error:
        return str(error), True


def show(answer: str, input_tokens: int, output_tokens: int, cache_read_tokens: int) -> None:
    """Print what `own_tools.shown` reads; `input_tokens` are without those of the cache."""
    print(json.dumps({"answer": answer, "usage": [input_tokens, output_tokens, cache_read_tokens]}))
