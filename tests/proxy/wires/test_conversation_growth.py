"""Work on a request grows with its size, not with the square of it, however the request is made."""

from collections.abc import Callable
from typing import Any

import pytest

from coderouter_events.closed_sets import Ingress
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.wires.anthropic import fit as anthropic_fit
from coderouter_proxy.wires.clients import CLIENT_WIRES
from coderouter_proxy.wires.conversation import Call, Result, Text, Turn
from coderouter_proxy.wires.losses import losses
from coderouter_proxy.wires.openai import fit as openai_fit
from coderouter_proxy.wires.sequence import mended
from coderouter_proxy.wires.system_text import settled
from support.growth import GROWTH_MAX, growth_in_calls, growth_in_cpu_time
from support.proxy.conversations import WIRES, WRITERS, written

pytestmark = pytest.mark.slow

Body = dict[str, Any]


def called(number: int) -> Turn:
    return Turn("assistant", (Call(f"call_{number}", "ls", "{}"),))


def answered(number: int) -> Turn:
    return Turn("user", (Result(f"call_{number}", (Text("ok"),)),))


TURNS: dict[str, Callable[[int], list[Turn]]] = {
    "calls and their results": lambda n: [
        made(each) for each in range(n // 2) for made in (called, answered)
    ],
    "calls without results": lambda n: [
        called(each) if each % 2 else Turn("system", (Text("x"),)) for each in range(n)
    ],
    "calls in one turn": lambda n: [
        Turn("assistant", tuple(part for each in range(n) for part in called(each).parts)),
        Turn("user", tuple(part for each in range(n) for part in answered(n - each).parts)),
    ],
    "results without calls in one turn": lambda n: [
        Turn("user", tuple(part for each in range(n) for part in answered(each).parts))
    ],
    "results behind all calls": lambda n: [
        *(turn for each in range(n // 2) for turn in (called(each), Turn("user", (Text("x"),)))),
        Turn("user", tuple(part for each in range(n // 2) for part in answered(each).parts)),
    ],
}
RUNS: dict[str, Callable[[int], list[Turn]]] = {
    "turns of the user in a row": lambda n: [Turn("user", (Text("x"),))] * n,
    "turns of the model in a row": lambda n: [called(each) for each in range(n)],
    "results without calls in a row": lambda n: [answered(each) for each in range(n)],
}


@pytest.mark.parametrize("shape", TURNS.values(), ids=TURNS)
def test_the_order_of_turns_takes_work_that_grows_with_their_parts(
    shape: Callable[[int], list[Turn]],
) -> None:
    assert growth_in_calls(mended, shape, 250) <= GROWTH_MAX


@pytest.mark.long
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_turns_of_one_role_are_merged_with_work_that_grows_with_their_parts(
    run: Callable[[int], list[Turn]],
) -> None:
    assert growth_in_cpu_time(mended, run, 4_000) <= GROWTH_MAX


@pytest.mark.parametrize(
    "roles",
    [
        ["user", "system", "assistant"],
        ["system", "user"],
        ["tool", "system", "developer"],
        ["system"],
    ],
    ids=" ".join,
)
def test_system_text_is_settled_with_work_that_grows_with_the_messages(roles: list[str]) -> None:
    def conversation(size: int) -> list[Body]:
        repeated = [{"role": role, "content": "x"} for role in roles] * (size // len(roles))
        return [{"role": "user", "content": "x"}, *repeated]

    assert growth_in_calls(settled, conversation, 250) <= GROWTH_MAX


def text(number: int) -> Body:
    return {"type": "text", "text": f"text {number}"}


def use(number: int) -> Body:
    return {"type": "tool_use", "id": f"t{number}", "name": "ls", "input": {}}


def result(number: int) -> Body:
    return {"type": "tool_result", "tool_use_id": f"t{number}", "content": "ok"}


def call(number: int) -> Body:
    return {"id": f"c{number}", "type": "function", "function": {"name": "ls", "arguments": "{}"}}


def said(role: str, content: object, **more: object) -> Body:
    return {"role": role, "content": content, **more}


def deferred(number: int) -> Body:
    return {"name": f"tool_{number}", "input_schema": {}, "defer_loading": True}


Make = Callable[[int], Body]
REQUESTS: dict[Ingress, dict[str, Make]] = {
    "anthropic": {
        "turns": lambda n: {"messages": [said("user", "x"), said("assistant", "x")] * (n // 2)},
        "calls": lambda n: {
            "messages": [
                said("assistant", [use(each) for each in range(n // 2)]),
                said("user", [result(each) for each in range(n // 2)]),
            ]
        },
        "texts": lambda n: {"messages": [said("user", list(map(text, range(n))))]},
        "texts in a result": lambda n: {
            "messages": [said("user", [{**result(1), "content": list(map(text, range(n)))}])]
        },
        "tools found by a search": lambda n: {
            "messages": [
                said("user", [{"type": "tool_reference", "tool_name": f"tool_{each}"} for each in range(n)])
            ],
            "tools": list(map(deferred, range(n))),
            "tool_choice": {"type": "tool", "name": f"tool_{n - 1}"},
        },
        "hosted tools": lambda n: {
            "messages": [{}],
            "tools": [{"type": f"web_{each}", "name": f"web_{each}"} for each in range(n)],
        },
        "fields": lambda n: {"messages": [{}], **{f"field {each}": 1 for each in range(n)}},
        "system": lambda n: {"messages": [{}], "system": list(map(text, range(n)))},
    },
    "openai": {
        "turns": lambda n: {"messages": [said("user", "x"), said("assistant", "x")] * (n // 2)},
        "calls": lambda n: {
            "messages": [
                said("assistant", None, tool_calls=list(map(call, range(n // 2)))),
                *(said("tool", "ok", tool_call_id=f"c{each}") for each in range(n // 10)),
            ]
        },
        "texts": lambda n: {"messages": [said("user", list(map(text, range(n))))]},
        "tools": lambda n: {
            "messages": [{}],
            "tools": [{"type": "function", "function": {"name": f"tool.{each}"}} for each in range(n)],
        },
        "a URL": lambda n: {
            "messages": [said("user", [{"type": "image_url", "image_url": "data:a" + ";base64" * 100 * n}])]
        },
        "fields": lambda n: {"messages": [{}], **{f"field {each}": 1 for each in range(n)}},
        "system": lambda n: {"messages": [said("system", "x")] * n},
    },
    "responses": {
        "turns": lambda n: {"input": [said("user", "x"), said("assistant", "x")] * (n // 2)},
        "calls": lambda n: {
            "input": [
                *({"type": "function_call", "call_id": f"c{each}", "name": "ls"} for each in range(n // 2)),
                *({"type": "function_call_output", "call_id": f"c{each}"} for each in range(n // 2)),
            ]
        },
        "texts": lambda n: {"input": [said("user", [{"type": "input_text", "text": "x"}] * n)]},
        "system": lambda n: {"input": [said("developer", "x")] * n},
        "tools": lambda n: {
            "input": [],
            "tools": [{"type": "custom", "name": f"t{each}"} for each in range(n)],
        },
        "tools of a name": lambda n: {
            "input": [{"type": "function_call", "call_id": "c", "name": "ls"}] * 100,
            "tools": [
                {"type": "namespace", "name": f"n{each}", "tools": [{"type": "custom", "name": "ls"}]}
                for each in range(n)
            ],
        },
        "tools in the input": lambda n: {
            "input": [
                {"type": "additional_tools", "tools": [{"type": "custom", "name": f"t{each}"}]}
                for each in range(n)
            ]
        },
        "allowed tools": lambda n: {
            "input": [],
            "tools": [{"type": "custom", "name": f"t{each}"} for each in range(n)],
            "tool_choice": {
                "type": "allowed_tools",
                "tools": [{"type": "custom", "name": f"t{each}"} for each in range(n)],
            },
        },
    },
}


@pytest.mark.long
@pytest.mark.parametrize(
    ("wire", "make"),
    [
        pytest.param(wire, make, id=f"{wire}: {name}")
        for wire, shapes in REQUESTS.items()
        for name, make in shapes.items()
    ],
)
def test_a_request_is_translated_with_work_that_grows_with_its_size(wire: Ingress, make: Make) -> None:
    def translated(body: Body) -> None:
        conversation = CLIENT_WIRES[wire].conversation(body, len)
        for other in WIRES:
            losses(conversation, WRITERS[other].VOCABULARY)
            written(conversation, other)

    assert growth_in_cpu_time(translated, make, 3_000) <= GROWTH_MAX


@pytest.mark.long
@pytest.mark.parametrize("role", ["user", "assistant"])
@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_a_run_of_one_role_is_merged_with_work_that_grows_with_its_messages(wire: Ingress, role: str) -> None:
    fit = {"openai": openai_fit.fit, "anthropic": anthropic_fit.fit}[wire]

    def make(size: int) -> Body:
        return {"messages": [{"role": role, "content": [{"type": "text", "text": "x"}]}] * size}

    def fitted(body: Body) -> object:
        return fit(body, ProviderTraits(), lambda _: None)

    assert growth_in_cpu_time(fitted, make, 1_000) <= GROWTH_MAX
