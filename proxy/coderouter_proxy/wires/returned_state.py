"""State that a client returned, for the provider that gets the request."""

from dataclasses import replace

from coderouter_proxy.wires import state
from coderouter_proxy.wires.conversation import Call, Conversation, Part, Thinking, with_parts


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


def _has_state(part: Part) -> bool:
    return isinstance(part, (Call, Thinking)) and part.state is not None
