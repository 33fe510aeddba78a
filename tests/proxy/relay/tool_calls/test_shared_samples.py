"""The samples that were given to us hold whole and in pieces of any size."""

import json
from pathlib import Path
from typing import Any

import pytest

from coderouter_proxy.relay.tool_calls.repair import Repairer, TextualCall
from proxy.relay.tool_calls.samples import fed

SHARED = Path(__file__).parent / "shared"
TOOLS = {
    name: tool["parameters"]
    for name, tool in json.loads((SHARED / "tools.json").read_text(encoding="utf-8")).items()
}
CASES = [json.loads(line) for line in (SHARED / "samples.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("piece_chars", [1, 7, 1000, 10**6])
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_sample_is_repaired_or_stays_text(case: dict[str, Any], piece_chars: int) -> None:
    text: str = case["text"]
    pieces = [text[start : start + piece_chars] for start in range(0, len(text), piece_chars)]
    items = list(fed(Repairer({name: TOOLS[name] for name in case["tools"]}), *pieces))

    calls = [[item.name, json.loads(item.arguments)] for item in items if isinstance(item, TextualCall)]
    rest = "".join(item for item in items if isinstance(item, str))

    if case["kind"] == "call":
        assert json.dumps(calls) == json.dumps(case["expect"])
        assert " ".join(rest.split()) in case["rest"]
    else:
        assert (rest, calls) == (case["expect"], [])
