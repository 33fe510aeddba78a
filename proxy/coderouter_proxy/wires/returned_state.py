"""State that a client returned, for the provider that gets the request."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.request import Body
from coderouter_proxy.wires import state
from coderouter_proxy.wires.conversation import Call, Conversation, Part, Thinking, with_parts
from coderouter_proxy.wires.state import State

# https://ai.google.dev/gemini-api/docs/thought-signatures: for calls that Gemini did not make.
NO_SIGNATURE: Final = "skip_thought_signature_validator"
# DeepSeek V4 Pro refuses an empty text where reasoning is missing, and takes a blank (NousResearch/hermes-agent#17341),
# as LiteLLM sends it. Kimi takes either: its own client returns empty reasoning (MoonshotAI/kimi-cli#2498).
NO_REASONING: Final = " "


def for_provider(conversation: Conversation, origin: str, *, returns_reasoning: bool) -> Conversation:
    """Return the conversation with the state of this origin only; the same object if it holds none.

    With `returns_reasoning`, the reasoning of other providers stays as well: there, any is better than none.
    """
    if not any(_has_state(part) for turn in conversation.turns for part in turn.parts):
        return conversation

    def kept(part: Part) -> Part:
        if not isinstance(part, (Call, Thinking)) or part.state is None:
            return part
        return replace(
            part, state=state.for_provider(part.state, origin, returns_reasoning=returns_reasoning)
        )

    turns = tuple(with_parts(turn, list(map(kept, turn.parts))) for turn in conversation.turns)
    return replace(conversation, turns=turns)


def restored(messages: Sequence[Body], origin: str, *, returns_reasoning: bool) -> list[Body]:
    """Return chat messages as the provider of this origin made them: with its own ids and state, none of others."""
    return [_restored(message, origin, returns_reasoning=returns_reasoning) for message in messages]


def without_state(messages: Sequence[Body]) -> list[Body]:
    """Return messages of the Anthropic wire with plain ids, without blocks of ours, and with our signatures removed."""
    return [
        {**message, "content": _plain_blocks(content)}
        if isinstance(content := message.get("content"), list)
        else message
        for message in messages
    ]


def keeps_blocks(messages: Sequence[Body]) -> bool:
    """Return whether the client returned the block of its newest calls that had one; true if there was none yet."""
    for message in reversed(messages):
        content = message.get("content")
        blocks = content if isinstance(content, list) and message.get("role") == "assistant" else []
        if any(map(_had_block, blocks)):
            return any(map(_is_aside, blocks))
    return True


def with_required_state(messages: list[Body], traits: ProviderTraits) -> list[Body]:
    """Return chat messages with what the provider's documentation offers where state is required and missing.

    Only Gemini's first call of a message needs a signature. DeepSeek and Kimi want `reasoning_content` in all assistant
    messages once there are calls.
    """
    if traits.thought_signatures:
        messages = list(map(_with_signature, messages))
    if traits.returns_reasoning and any(message.get("tool_calls") for message in messages):
        messages = [
            {**message, "reasoning_content": NO_REASONING}
            if message.get("role") == "assistant" and not _has_reasoning(message)
            else message
            for message in messages
        ]
    return messages


def _restored(message: Body, origin: str, *, returns_reasoning: bool) -> Body:
    call_id, calls = message.get("tool_call_id"), message.get("tool_calls")
    if isinstance(call_id, str):
        message = {**message, "tool_call_id": state.decode_id(call_id)[0]}
    if not isinstance(calls, list):
        return message
    plain: list[Any] = []
    states: list[State] = []
    for call in calls:
        own, of_call = _restored_call(call, origin)
        plain.append(own)
        states += [of_call] if of_call is not None else []
    message = {**message, "tool_calls": plain}
    if any(of_call.origin != origin for of_call in states):
        foreign = state.OPENAI_FIELDS[1:] if returns_reasoning else state.OPENAI_FIELDS
        message = {name: value for name, value in message.items() if name not in foreign}
    own_states = [state.for_provider(each, origin, returns_reasoning=returns_reasoning) for each in states]
    back = state.openai_fields(state.joined(each.turn for each in own_states if each is not None))
    return {**message, **{name: value for name, value in back.items() if not message.get(name)}}


def _restored_call(call: Any, origin: str) -> tuple[Any, State | None]:  # noqa: ANN401 - of a client
    if not isinstance(call, dict) or not isinstance(given := call.get("id"), str):
        return call, None
    own, of_call = state.decode_id(given)
    fields = {**call, "id": own}
    if of_call is None:
        return fields, None
    if of_call.origin == origin:
        fields |= {name: value for name, value in of_call.call.items() if not call.get(name)}
    else:
        fields.pop("extra_content", None)
    return fields, of_call


def _plain_blocks(content: list[Any]) -> list[Any]:
    """Return the blocks; Anthropic accepts no message without any."""
    kept = [_plain_block(block) for block in content if not _is_aside(block)]
    return kept or ([{"type": "text", "text": "…"}] if content else [])


def _had_block(block: object) -> bool:
    given = block.get("id") if isinstance(block, dict) else None
    return isinstance(given, str) and given.endswith(state.MARK)


def _is_aside(block: object) -> bool:
    return (
        isinstance(block, dict)
        and block.get("type") == "redacted_thinking"
        and state.is_ours(block.get("data"))
    )


def _plain_block(block: Any) -> Any:  # noqa: ANN401 - of a client
    if not isinstance(block, dict):
        return block
    for name in ("id", "tool_use_id"):
        if isinstance(given := block.get(name), str) and state.MARK in given:
            return {**block, name: state.NOT_IN_ID.sub("_", state.decode_id(given)[0])}
    if block.get("type") == "thinking" and state.is_ours(block.get("signature")):
        return {**block, "signature": ""}
    return block


def _has_reasoning(message: Body) -> bool:
    reasoning = message.get("reasoning_content")
    return isinstance(reasoning, str) and bool(reasoning)


def _with_signature(message: Body) -> Body:
    calls = message.get("tool_calls")
    if not isinstance(calls, list) or not calls or any(map(_has_signature, calls)):
        return message
    first, *others = calls
    if not isinstance(first, dict):
        return message
    extra: Body = {"google": {"thought_signature": NO_SIGNATURE}}
    return {**message, "tool_calls": [{**first, "extra_content": extra}, *others]}


def _has_signature(call: object) -> bool:
    extra = call.get("extra_content") if isinstance(call, dict) else None
    google = extra.get("google") if isinstance(extra, dict) else None
    return isinstance(google, dict) and bool(google.get("thought_signature"))


def _has_state(part: Part) -> bool:
    return isinstance(part, (Call, Thinking)) and part.state is not None
