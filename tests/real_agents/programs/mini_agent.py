"""The smallest agent, `mini_agent.py [--continue] BASE_URL FLAW`, for the tests of the package itself."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

PROMPT = {"role": "user", "content": "Do it."}
TOOLS = [{"name": name, "input_schema": {"type": "object"}} for name in ("write", "shell")]


SESSION = Path.home() / "session.json"
ID_CHARS = 64


def main(url: str, flaw: str, *, continues: bool) -> None:
    messages, usage = json.loads(SESSION.read_text()) if continues else ([], [0, 0, 0])
    messages += [PROMPT, {"role": "system", "content": "Be brief."}][: 2 if flaw == "system" else 1]
    while (answer := _asked(url, messages))["stop_reason"] == "tool_use":
        _add(usage, answer)
        uses = [block for block in answer["content"] if block["type"] == "tool_use"]
        for use in uses if flaw == "cuts ids" else ():
            use["id"] = use["id"][:ID_CHARS]
        messages.append({"role": "assistant", "content": answer["content"]})
        results = [
            {"type": "tool_result", "tool_use_id": use["id"], "content": _result(use, flaw)} for use in uses
        ]
        messages.append({"role": "user", "content": results[:1] if flaw == "forgets" else results})
    if flaw != "miscounts":
        _add(usage, answer)
    messages.append({"role": "assistant", "content": answer["content"]})
    SESSION.write_text(json.dumps([messages, usage]), encoding="utf-8")
    if flaw != "is silent":
        words = "mumble" if flaw == "mumbles" else answer["content"][0]["text"]
        print(json.dumps({"answer": words, "usage": usage}))
    sys.exit(3 if flaw == "fails" else 0)


def _asked(url: str, messages: list[Any]) -> Any:
    body = {"model": "any", "max_tokens": 99, "messages": messages, "tools": TOOLS}
    headers = {"Content-Type": "application/json", "anthropic-version": "2023-06-01"}
    request = urllib.request.Request(f"{url}/v1/messages", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def _result(use: Any, flaw: str) -> str:
    given = use["input"]
    if use["name"] == "write":
        path = Path(given["path"])
        path.parent.mkdir(exist_ok=True)
        path.write_text("" if flaw == "spoils" else given["text"], encoding="utf-8")
        return "written"
    ended = subprocess.run(given["command"], shell=True, capture_output=True, text=True, check=True)
    return "" if flaw == "sees nothing" else ended.stdout


def _add(usage: list[int], answer: Any) -> None:
    for index, name in enumerate(("input_tokens", "output_tokens", "cache_read_input_tokens")):
        usage[index] += answer["usage"][name]


if __name__ == "__main__":
    *first, given_url, given_flaw = sys.argv[1:]
    main(given_url, given_flaw, continues=bool(first))
