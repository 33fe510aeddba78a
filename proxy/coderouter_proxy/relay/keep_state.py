"""State of a provider in an answer on another wire: read from its deltas, put into signatures, blocks and ids."""

from collections.abc import Iterable

from coderouter_proxy.wires import state
from coderouter_proxy.wires.collected_state import CollectedState
from coderouter_proxy.wires.deltas import Delta, Opaque, Signature, Text, Thinking, ToolCall
from coderouter_proxy.wires.state import State


class KeepState:
    """Keeps the state of one answer.

    A client that shows thinking gets the state of reasoning in its signature, and one that keeps blocks what makes the
    id of a call too long in a block before it. Any other state is in the id of the next call.
    """

    def __init__(self, origin: str, *, signs: bool, sets_aside: bool, returns_reasoning: bool) -> None:
        """`signs`: the client gets signatures of ours; `sets_aside`: and blocks.

        `returns_reasoning`: it sends the reasoning back by itself.
        """
        self._origin = origin
        self._signs = signs
        self._sets_aside = sets_aside
        self._returns_reasoning = returns_reasoning
        self._collected = CollectedState()
        self.calls = 0

    def read(self, deltas: list[Delta]) -> list[Delta]:
        """Return the deltas with a signature after reasoning, and without anything that only the vendor can read."""
        passed: list[Delta] = []
        for delta in deltas:
            match delta:
                case Opaque():
                    self._collected.add_opaque(delta.name, delta.value)
                    continue
                case Thinking():
                    self._collected.add_reasoning(delta.field, delta.text)
                case Signature():
                    self._collected.add_signature(delta.signature)
                case Text() if not delta.text.strip():
                    pass  # may be between two pieces of reasoning
                case _:
                    passed += self.end()
            passed.append(delta)
        return passed

    def end(self) -> list[Delta]:
        """Return the signature of reasoning that is over."""
        if not self._signs or not self._collected.has_reasoning:
            return []
        return [Signature(self._collected.signature(self._origin))]

    def identified(self, deltas: list[Delta]) -> list[Delta]:
        """Return the deltas with calls whose ids hold what has to come back with them."""
        identified: list[Delta] = []
        for delta in deltas:
            identified += self._identified(delta) if isinstance(delta, ToolCall) else (delta,)
        return identified

    def _identified(self, call: ToolCall) -> Iterable[Delta]:
        self.calls += 1
        if not self._origin:
            return (call,)
        of_call: State | None = None
        if self._collected.has_any or call.extra:
            turn = self._collected.take(reasoning=not self._returns_reasoning)
            of_call = State(self._origin, {"extra_content": call.extra} if call.extra else {}, turn)
        if not self._sets_aside:
            return (ToolCall(state.encode_id(call.id, of_call), call.name),)
        call_id, aside = state.set_aside(call.id, of_call)
        named = ToolCall(call_id, call.name)
        return (named,) if aside is None else (Opaque("redacted_thinking", aside), named)
