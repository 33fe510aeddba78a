"""Samples that we were given, as they are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repair_corpus.case import Case

SAMPLES = Path(__file__).parent / "samples"
FILTERS = ("strip_thinking", "strip_stop_markers")


def samples() -> Iterator[Case]:
    for given in (*_lines("calls.jsonl"), *_lines("filters.jsonl")):
        is_call = given["kind"] == "call"
        is_filter = given["kind"] == "filter"
        yield Case(
            id=f"sample:{given['id']}",
            kind=given["kind"],
            text=given["text"],
            calls=tuple((name, arguments) for name, arguments in given["expect"]) if is_call else (),
            texts=tuple(given["rest"]) if is_call else (given["expect"], *given.get("accept", ())),
            tools="none" if is_filter else "samples",
            filters=FILTERS if is_filter else (),
            finish=given.get("finish", "stop"),
        )


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLES / name).read_text(encoding="utf-8").splitlines()]
