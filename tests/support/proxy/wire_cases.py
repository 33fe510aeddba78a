"""Situations as files: requests of a client, what providers answer to them, and what then has to be true.

A `case.json` holds

- `profile`: the profile that the requests name; `RIG` lists them.
- `turns`: the client's requests in order, each `{wire, body}`. In a later turn `"$ANSWER"` stands for the content of
  the previous answer, or among items for those of its output; `"$CALL"` stands for the id of its first tool call.
- `replies`: by provider, its answers in order, the last one for ever; a provider without any answers with a few words,
  streamed if that is requested. A reply is `{status, headers, json}` or `{sse: [...]}`; in a stream `"BOM"` puts a byte
  order mark before the next event, and a text that begins with `RAW:` is sent as it is behind `data: `.
- `sent`: by provider, fields of the last body that it received, with the values they have to have.
- `ok`: a Python expression that has to be true, over the names in `Outcome`.
- `report`: where it was reported, or what it is about.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from support.proxy import anthropic_answers, openai_answers, process, responses_answers
from support.proxy.client import Response
from support.proxy.client_view import event_data
from support.proxy.process import Proxy
from support.proxy.upstream import Answers, Provider, Received, Script, Upstream, stream, whole

Body = dict[str, Any]

BYTE_ORDER_MARK = "\ufeff".encode()
THOUGHTFUL = {"thinking": True, "reasoning_passthrough": True}
RIG: dict[str, dict[str, object]] = {
    "oa": {},
    "oa2": {},
    "oath": {"model": "deepseek-flash", "capabilities": THOUGHTFUL},
    "an": {"kind": "anthropic"},
    "resp": {"kind": "openai_responses"},
    "filt": {"output_filters": ["strip_thinking"]},
}
"""Providers by name; a profile of the same name has each one alone."""
ANSWERS: dict[object, Any] = {"anthropic": anthropic_answers, "openai_responses": responses_answers}
CHAINS = {"chain": ["oa", "oa2"], "mixed": ["oa", "an"]}


@dataclass(frozen=True, kw_only=True)
class Case:
    profile: str
    report: str
    turns: list[Body]
    replies: Mapping[str, list[Body]] = field(default_factory=dict)
    sent: Mapping[str, Body] = field(default_factory=dict)
    ok: str = "True"

    @property
    def refuses(self) -> bool:
        """Whether a provider refuses a request, from which a proxy may learn."""
        return any(reply.get("status", 200) >= 400 for replies in self.replies.values() for reply in replies)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an expression may name: the last answer, what the providers saw, and what events report."""

    st: int
    hd: Mapping[str, str]
    out: Any
    """The body, decoded where it is JSON."""
    msg: Body
    """The message that a whole or streamed body holds; see `anthropic_message` and its like."""
    seen: Mapping[str, list[Body]]
    """The bodies that each provider received, of all turns."""
    dropped: list[str]
    """What capability-degraded names, of the last turn."""
    outcome: str
    """How the last turn finished."""

    def fulfils(self, expression: str) -> bool:
        names = {each.name: getattr(self, each.name) for each in fields(self)}
        return bool(eval(expression, names))


def config(upstream: Upstream) -> dict[str, object]:
    """Return the providers.yaml of the rig."""
    providers = [process.provider(name, upstream.provider(name).base_url, **RIG[name]) for name in RIG]
    return process.config(providers, {name: [name] for name in RIG} | CHAINS, default_profile="oa")


def load(path: Path) -> Case:
    return Case(**json.loads(path.read_text(encoding="utf-8")))


def run(case: Case, proxy: Proxy, upstream: Upstream) -> Outcome:
    """Send the turns, and return how the last one ended."""
    providers = {name: upstream.provider(name) for name in RIG}
    for name, provider in providers.items():
        _script(provider, RIG[name].get("kind"), case.replies.get(name, []))
    *earlier, last = case.turns
    answer: Body = {}
    for turn in earlier:
        answer = message_of(turn["wire"], _ask(proxy, case.profile, turn, answer))
    response = _ask(proxy, case.profile, last, answer)
    story = proxy.story(response.request_id)
    degraded = [event["dropped"] for event in story if event["msg"] == "capability-degraded"]
    return Outcome(
        st=response.status,
        hd=response.headers,
        out=_decoded(response),
        msg=message_of(last["wire"], response),
        seen={name: [each.json for each in provider.requests] for name, provider in providers.items()},
        dropped=[name for names in degraded for name in names],
        outcome=story[-1]["outcome"],
    )


def _ask(proxy: Proxy, profile: str, turn: Body, answer: Body) -> Response:
    header = {"X-CodeRouter-Profile": profile}
    raw = json.dumps(_filled(turn["body"], answer)).encode()
    if turn["wire"] == "anthropic":
        return proxy.post(raw, {**header, "anthropic-version": "2023-06-01"}, "/v1/messages").rest()
    path = "/v1/responses" if turn["wire"] == "responses" else "/v1/chat/completions"
    return proxy.post(raw, header, path).rest()


def _filled(value: Any, answer: Body) -> Any:
    """Return the value with what stands for parts of the previous answer replaced by them."""
    match value:
        case "$ANSWER":
            return answer["content"]
        case "$CALL":
            return _first_call_id(answer)
        case dict():
            return {key: _filled(inner, answer) for key, inner in value.items()}
        case list():
            output = answer.get("output", ["$ANSWER"])
            items = [each for inner in value for each in (output if inner == "$ANSWER" else [inner])]
            return [_filled(inner, answer) for inner in items]
    return value


def _first_call_id(answer: Body) -> Any:
    if "output" in answer:
        return next(item["call_id"] for item in answer["output"] if "call_id" in item)
    if isinstance(answer["content"], list):
        return next(block["id"] for block in answer["content"] if block["type"] == "tool_use")
    return answer["tool_calls"][min(answer["tool_calls"])]["id"]


def _script(provider: Provider, kind: object, replies: list[Body]) -> None:
    says = ANSWERS.get(kind, openai_answers)

    def usual(request: Received) -> Script:
        script: Script = says.streamed("fine") if request.json.get("stream") else says.answer("fine")
        return script

    scripts = [_reply(reply, named=kind in ANSWERS) for reply in replies]
    always: Script | Answers = scripts[-1] if scripts else usual
    provider.plays(*scripts[:-1], always=always)


def _reply(reply: Body, *, named: bool) -> Script:
    if "sse" in reply:
        return stream(*_events(reply["sse"], named=named))
    return whole(reply["json"], reply.get("status", 200), reply.get("headers", {}))


def _events(items: Iterable[str | Body], *, named: bool) -> Iterable[bytes]:
    """Yield the events, `named` by their types or not."""
    mark = b""
    for item in items:
        if item == "BOM":
            mark = BYTE_ORDER_MARK
            continue
        text = item.removeprefix("RAW:") if isinstance(item, str) else json.dumps(item)
        name = f"event: {item['type']}\n" if named and isinstance(item, dict) else ""
        yield mark + f"{name}data: {text}\n\n".encode()
        mark = b""


def _decoded(response: Response) -> Any:
    if response.headers["content-type"].startswith("application/json"):
        return response.json
    return response.body.decode()


def message_of(wire: str, response: Response) -> Body:
    """Return the message of a whole or streamed body, in the shape of the client's wire."""
    is_stream = response.headers["content-type"].startswith("text/event-stream")
    parts = event_data(response.body) if is_stream else [response.json]
    parts = [part for part in parts if isinstance(part, dict)]
    if wire == "responses":
        return responses_message(parts)
    return anthropic_message(parts) if wire == "anthropic" else openai_message(parts)


def responses_message(parts: list[Body]) -> Body:
    """Return the response that a body or the last event holds, with `_error` where there is one."""
    response: Body = {"output": [], **parts[-1].get("response", parts[-1])}
    return {**response, "_error": response["error"]} if response.get("error") else response


def anthropic_message(parts: list[Body]) -> Body:
    """Return `{content, stop_reason, usage …}`, with `_error` where there is one.

    `parts` are a whole message or its events.
    """
    message: Body = {"content": []}
    for part in parts:
        match part.get("type"):
            case "message":
                message |= part
            case "message_start":
                message |= part["message"]
            case "content_block_start":
                message["content"].append({**part["content_block"], "_json": ""})
            case "content_block_delta":
                _extend(message["content"][part["index"]], part["delta"])
            case "message_delta":
                message |= part["delta"]
            case "error":
                message["_error"] = part["error"]
    message["content"] = [_closed(block) for block in message["content"]]
    return message


def _extend(block: Body, delta: Body) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "input_json_delta":
            block["_json"] += delta["partial_json"]


def _closed(block: Body) -> Body:
    """Return the block with the pieces of its input as the object they are."""
    text = block.pop("_json", "")
    return {**block, "input": json.loads(text)} if text else block


def openai_message(parts: list[Body]) -> Body:
    """Return `{content, tool_calls, finish}`, with `_error` where there is one; the calls are by their `index`.

    `parts` are a whole completion or its chunks.
    """
    message: Body = {"content": "", "tool_calls": {}, "finish": None}
    for part in parts:
        if "error" in part:
            message["_error"] = part["error"]
        for choice in part.get("choices") or []:
            said = choice.get("delta") or choice.get("message") or {}
            message["content"] += said.get("content") or ""
            for number, call in enumerate(said.get("tool_calls") or []):
                # Only the calls of a whole completion have no index.
                index = call.get("index") if "delta" in choice else number
                _extend_call(
                    message["tool_calls"].setdefault(index, {"id": None, "name": "", "arguments": ""}), call
                )
            message["finish"] = choice.get("finish_reason") or message["finish"]
    return message


def _extend_call(known: Body, call: Body) -> None:
    function = call.get("function") or {}
    known["id"] = known["id"] or call.get("id")
    known["name"] += function.get("name") or ""
    known["arguments"] += function.get("arguments") or ""
