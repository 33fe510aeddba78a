"""Vendors that refuse what others accept: each takes the histories that the real one takes, whoever answered before.

None of them takes an id or a field that is the proxy's own or another vendor's.
"""

import base64
import hashlib
import random
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from real_agents.providers.conversation import Body, Prompt, Refused, Reply, ToolCall, Usage
from real_agents.providers.openai_chat import OpenAIChat
from support.proxy.upstream import Script

# https://ai.google.dev/gemini-api/docs/thought-signatures
FOREIGN_CALL = "skip_thought_signature_validator"
SIGNATURE_BYTES = 1536
FIELDS = frozenset({"role", "content", "tool_calls"})
CALL_FIELDS = frozenset({"id", "type", "function"})


class Vendor(OpenAIChat, ABC):
    """`traits` are what providers.yaml says about it; `fields` and `call_fields` all that an assistant's may have."""

    name: ClassVar[str]
    traits: ClassVar[Body]
    fields: ClassVar[frozenset[str]] = FIELDS
    call_fields: ClassVar[frozenset[str]] = CALL_FIELDS

    def read(self, body: Body) -> Prompt:
        for message in body["messages"]:
            if message["role"] == "assistant":
                _check_fields(message, self.fields)
                for call in message.get("tool_calls") or ():
                    _check_fields(call, self.call_fields)
                self.check(message)
        for call_id in _call_ids(body["messages"]):
            self.check_id(call_id)
        return super().read(body)

    def answer(self, answer_id: str, prompt: Prompt, reply: Reply, usage: Usage) -> Script:
        return super().answer(f"{self.name}-{answer_id}", prompt, self.own(reply), usage)

    @abstractmethod
    def own(self, reply: Reply) -> Reply:
        """Return the reply with what this vendor adds, of which it knows all by the id of a call."""

    def check(self, message: Body) -> None:
        """Check a message of the assistant.

        Raises:
            Refused
        """

    def check_id(self, call_id: str) -> None:
        """Check the id of a call or of its result.

        Raises:
            Refused
        """
        if "_crs_" in call_id:
            raise Refused(f"the id {call_id[:60]} is the proxy's")


class Gemini(Vendor):
    name = "gemini"
    traits: ClassVar[Body] = {"thought_signatures": True}
    call_fields = CALL_FIELDS | {"extra_content"}

    def own(self, reply: Reply) -> Reply:
        return replace(reply, thought="", calls=tuple(map(self._signed, reply.calls)))

    def check(self, message: Body) -> None:
        for index, call in enumerate(message.get("tool_calls") or ()):
            signature = call.get("extra_content", {}).get("google", {}).get("thought_signature")
            is_own = call["id"].startswith("function-")
            if is_own and signature != _signature(call["id"]):
                raise Refused(f"Function call {call['id']} is missing a thought_signature")
            if not is_own and signature != (None if index else FOREIGN_CALL):
                raise Refused(f"Function call {call['id']} has the thought_signature {signature!r}")

    def _signed(self, call: ToolCall) -> ToolCall:
        call_id = f"function-{call.id}"
        extra = {"google": {"thought_signature": _signature(call_id)}}
        return replace(call, id=call_id, vendor={"extra_content": extra})


class DeepSeek(Vendor):
    name = "deepseek"
    traits: ClassVar[Body] = {"returns_reasoning": True}
    fields = FIELDS | {"reasoning_content"}

    def own(self, reply: Reply) -> Reply:
        calls = tuple(replace(call, id=f"call_00_{call.id}") for call in reply.calls)
        return replace(reply, thought=_thought(calls[0].id) if calls else "That was all.", calls=calls)

    def check(self, message: Body) -> None:
        calls = message.get("tool_calls")
        if not calls:
            return
        reasoning = message.get("reasoning_content")
        if not isinstance(reasoning, str):
            raise Refused("The reasoning_content in the thinking mode must be passed back to the API.")
        if calls[0]["id"].startswith("call_00_") and reasoning != _thought(calls[0]["id"]):
            raise Refused(f"the reasoning_content of {calls[0]['id']} is {reasoning!r}")


class Mistral(Vendor):
    name = "mistral"
    traits: ClassVar[Body] = {"call_ids": "nine"}

    def own(self, reply: Reply) -> Reply:
        calls = tuple(
            replace(call, id=hashlib.sha256(call.id.encode()).hexdigest()[:9]) for call in reply.calls
        )
        return replace(reply, thought="", calls=calls)

    def check_id(self, call_id: str) -> None:
        if re.fullmatch("[A-Za-z0-9]{9}", call_id) is None:
            raise Refused(f"Tool call id was {call_id[:60]} but must be a-z, A-Z, 0-9, with a length of 9.")


def _check_fields(thing: Body, known: frozenset[str]) -> None:
    if unknown := sorted(thing.keys() - known):
        raise Refused(f"Extra inputs are not permitted: {unknown}")


def _call_ids(messages: list[Body]) -> Iterator[str]:
    for message in messages:
        yield from (call["id"] for call in message.get("tool_calls") or ())
        if message["role"] == "tool":
            yield message["tool_call_id"]


def _signature(call_id: str) -> str:
    return base64.b64encode(random.Random(call_id).randbytes(SIGNATURE_BYTES)).decode()


def _thought(call_id: str) -> str:
    return f"The next step is {call_id}, “as ever”.\nThen I look."
