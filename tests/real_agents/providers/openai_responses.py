"""A provider that speaks the Responses API, as strict as OpenAI's own."""

import json
import secrets
from dataclasses import dataclass, field

from real_agents.providers import responses_items as items_
from real_agents.providers import responses_tools as tools
from real_agents.providers.conversation import Body, Prompt, Refused, Reply, ToolCall, Usage
from real_agents.providers.responses_events import response, streamed
from support.proxy.upstream import Script, whole

SEALED = "sealed-"
STORED = "Item with id '{}' not found. Items are not persisted when `store` is set to false."


@dataclass
class OpenAIResponses:
    """Keeps the items of its answers, and the conversation up to each answer, where `store` is not false."""

    ingress = "responses"
    kind = "openai_responses"
    path = "/responses"
    _items: dict[str, Body] = field(default_factory=dict)
    _conversations: dict[str, list[Body]] = field(default_factory=dict)
    _reasons: dict[str, str] = field(default_factory=dict)
    """The reasoning item that belongs in front of an item, both by their ids."""

    def read(self, body: Body) -> Prompt:
        items_.check_request(body)
        items = self._conversation(body)
        items_.check(items)
        self._check_reasoning(items, stores=_stores(body))
        text_format = (body.get("text") or {}).get("format") or {}
        return Prompt(
            request=body,
            tools=tools.offered(body.get("tools") or (), items),
            results=tuple(items_.result(item) for item in items if items_.is_output(item)),
            asked=items_.text(items[-1].get("content") or ""),
            schema=text_format.get("schema"),
        )

    def answer(self, answer_id: str, prompt: Prompt, reply: Reply, usage: Usage) -> Script:
        body = prompt.request
        output = _output(reply, sealed="reasoning.encrypted_content" in (body.get("include") or ()))
        ended = response(f"resp_{answer_id}_{secrets.token_hex(8)}", body, output, usage)
        if reply.thought:
            self._reasons[output[1]["id"]] = output[0]["id"]
        if _stores(body):
            self._items |= {item["id"]: item for item in output}
            self._conversations[ended["id"]] = [*self._conversation(body), *output]
        return streamed(ended) if prompt.stream else whole(ended)

    def refusal(self, words: str) -> Script:
        error = {"message": words, "type": "invalid_request_error", "param": None, "code": None}
        return whole({"error": error}, 400)

    def _conversation(self, body: Body) -> list[Body]:
        """Return all items of the conversation, with those in place that the request only refers to."""
        given = body.get("input") or []
        items = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
        previous = body.get("previous_response_id")
        if previous is not None and previous not in self._conversations:
            raise Refused(f"Previous response with id '{previous}' not found.")
        kept = self._conversations[previous] if previous else []
        return [*kept, *(self._resolved(item) for item in items)]

    def _resolved(self, item: Body) -> Body:
        if item.get("type") != "item_reference":
            return item
        if item["id"] not in self._items:
            raise Refused(STORED.format(item["id"]))
        return self._items[item["id"]]

    def _check_reasoning(self, items: list[Body], *, stores: bool) -> None:
        ids = {item.get("id") for item in items}
        for item, following in zip(items, [*items[1:], {}], strict=True):
            item_id = item.get("id", "")
            if item.get("type") == "reasoning":
                sealed = item.get("encrypted_content")
                if sealed is not None and sealed != SEALED + item_id:
                    raise Refused("The encrypted content could not be verified.")
                if sealed is None and (not stores or item_id not in self._items):
                    raise Refused(STORED.format(item_id))
                if not items_.is_assistants(following):
                    raise Refused(
                        f"Item '{item_id}' of type 'reasoning' was provided without its required following item."
                    )
            reason = self._reasons.get(item_id)
            if reason is not None and reason not in ids:
                raise Refused(
                    f"{_named(item)} was provided without its required 'reasoning' item: '{reason}'."
                )


def _named(item: Body) -> str:
    return f"Item '{item['id']}' of type '{item['type']}'"


def _stores(body: Body) -> bool:
    return body.get("store") is not False


def _output(reply: Reply, *, sealed: bool) -> list[Body]:
    token = secrets.token_hex(12)
    items: list[Body] = []
    if reply.thought:
        item_id = f"rs_{token}"
        items.append(
            {"type": "reasoning", "id": item_id, "summary": [{"type": "summary_text", "text": reply.thought}]}
        )
        if sealed:
            items[0]["encrypted_content"] = SEALED + item_id
    if reply.text:
        content = [{"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}]
        items.append(
            {
                "type": "message",
                "id": f"msg_{token}",
                "status": "completed",
                "role": "assistant",
                "content": content,
            }
        )
    return [*items, *(_call(call, f"{token}_{index}") for index, call in enumerate(reply.calls))]


def _call(call: ToolCall, token: str) -> Body:
    tool = call.tool
    namespace = {"namespace": tool.namespace} if tool.namespace else {}
    common = {"call_id": call.id, "status": "completed"}
    match tool.kind:
        case "custom":
            given = call.arguments["input"]
            return (
                {"type": "custom_tool_call", "id": f"ctc_{token}", "name": tool.name, "input": given}
                | common
                | namespace
            )
        case "tool_search":
            searched = {"execution": "client", "arguments": call.arguments}
            return {"type": "tool_search_call", "id": f"tsc_{token}"} | common | searched
        case _:
            written = json.dumps(call.arguments)
            called = {"type": "function_call", "id": f"fc_{token}", "name": tool.name, "arguments": written}
            return called | common | namespace
