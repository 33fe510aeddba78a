"""Cases that are written by hand, in files that show each text as a model writes it.

A line `=== <name>` begins a case; the text follows up to the next one, without the empty lines at its edges. Behind the
name, `finish=…` is the provider's finish_reason.

A line `--- calls` begins the calls, a JSON array of name and arguments on each line; `--- rest` begins the text that
remains, once for each text that is as good. Without `--- rest` nothing remains of a call, and everything of a text.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from repair_corpus.case import Case

TEXTS = Path(__file__).parent / "texts"
_CASE = re.compile(r"^=== ", re.MULTILINE)
_PART = re.compile(r"^--- (calls|rest)$", re.MULTILINE)
_FINISH = re.compile(r"finish=(\S+)")

Kind = Literal["call", "text", "filter"]
KINDS: dict[str, Kind] = {"calls": "call", "look-alikes": "text", "filters": "filter"}
"""By folder; each of its files is one format."""
MARKUP = ("strip_thinking", "strip_stop_markers")
FILTERS = {
    "thinking": MARKUP,
    "thinking-mentioned": MARKUP,
    "markers": MARKUP,
    "markers-mentioned": MARKUP,
    "byte-fallback": ("repair_byte_fallback",),
    "leftovers": ("strip_tool_call_xml",),
}
"""By file, the filters that the provider has."""


def written() -> Iterator[Case]:
    for folder, kind in KINDS.items():
        for path in sorted((TEXTS / folder).glob("*.txt")):
            for section in _CASE.split(path.read_text(encoding="utf-8"))[1:]:
                yield _case(section, path.stem, kind)


def _case(section: str, form: str, kind: Kind) -> Case:
    head, _, body = section.partition("\n")
    finish = _FINISH.search(head)
    text, *labelled = (part.strip("\n") for part in _PART.split(body))
    parts = list(zip(labelled[::2], labelled[1::2], strict=True))
    calls = [json.loads(line) for label, lines in parts if label == "calls" for line in lines.splitlines()]
    rests = tuple(rest for label, rest in parts if label == "rest")
    return Case(
        id=f"{form}/{head.split()[0]}",
        kind=kind,
        text=text,
        calls=tuple((name, arguments) for name, arguments in calls),
        texts=rests or (("",) if calls else (text,)),
        filters=FILTERS[form] if kind == "filter" else (),
        finish=finish[1] if finish else "stop",
    )
