"""Items that a client returned, in the form in which the provider that made them requires them back."""

from collections.abc import Iterable, Iterator

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values, state
from coderouter_proxy.wires.responses import carried
from coderouter_proxy.wires.responses.shape import texts
from coderouter_proxy.wires.state_payload import digest

ID_CHARS_MAX = 64
"""OpenAI accepts no longer ids of items."""


def reasoning_items(of_turn: state.State | None, *, own_api: bool) -> list[Body]:
    """Return the reasoning in a state; OpenAI's own API takes none that it did not seal.

    A summary is not the reasoning, so only what it is sealed in comes back. vLLM rejects an item without an id.
    """
    if of_turn is None:
        return []
    sealed = of_turn.turn.get(state.ITEMS)
    if isinstance(sealed, list) and sealed:
        return [item for item in sealed if isinstance(item, dict)]
    text = of_turn.turn.get(state.REASONING[0]) or of_turn.turn.get(state.REASONING[1])
    if own_api or not isinstance(text, str) or not text.strip():
        return []
    content = [{"type": "reasoning_text", "text": text}]
    return [{"type": "reasoning", "id": f"rs_{digest(text)}", "summary": [], "content": content}]


def restored(items: Iterable[Body], origin: str, *, own_api: bool, returns_reasoning: bool) -> Iterator[Body]:
    """Yield the items as the provider of this origin made them: with its own ids and state, none of others.

    Reasoning that the provider did not make is left out, and ids that hold an item. Reasoning that came back with a
    call is put before the messages that the model wrote between the two.
    """
    calls = state.ReturnedCalls()

    def kept(of_turn: state.State | None) -> list[Body]:
        own = state.for_provider(of_turn, origin, returns_reasoning=returns_reasoning)
        return reasoning_items(own, own_api=own_api)

    def own(item: Body) -> tuple[list[Body], Body | None]:
        """Return the reasoning that came back with the item, and the item; None if it was only that."""
        call_id = item.get("call_id")
        if item.get("type") == "reasoning" and _is_ours(item):
            sealed = json_values.words(item.get("encrypted_content"))
            of_turn = state.signed(sealed, "".join(texts(item.get("summary"))))
            if of_turn is None:
                calls.takes(sealed)
            return kept(of_turn), None
        if not isinstance(call_id, str) or state.MARK not in call_id:
            return [], _with_usual_id(item)
        if json_values.words(item.get("type")).endswith("_output"):
            return [], {**item, "call_id": calls.result(call_id)}
        own_id, of_call = calls.call(call_id)
        return kept(of_call), {**_with_usual_id(item), "call_id": own_id}

    said: list[Body] = []
    for item in items:
        reasoning, given = own(item)
        if given is not None and given.get("role") == "assistant":
            said.append(given)
            continue
        first, then = (said, reasoning) if given is None else (reasoning, said)
        yield from first
        yield from then
        if given is not None:
            yield given
        said = []
    yield from said


def without_sealed(items: Iterable[Body]) -> list[Body]:
    """Return the items without reasoning that only the provider can read that made it."""
    return [item for item in items if not (item.get("type") == "reasoning" and item.get("encrypted_content"))]


def _is_ours(reasoning: Body) -> bool:
    sealed = reasoning.get("encrypted_content")
    if sealed:
        return state.is_ours(sealed)
    return carried.is_carrier(reasoning.get("id"))


def _with_usual_id(item: Body) -> Body:
    given = item.get("id")
    if not isinstance(given, str) or (len(given) <= ID_CHARS_MAX and not carried.is_carrier(given)):
        return item
    if item.get("type") == "item_reference":
        return item
    return {name: value for name, value in item.items() if name != "id"}
