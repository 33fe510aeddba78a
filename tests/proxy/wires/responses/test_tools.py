"""The tools of a request, wherever they are, and the way of a call back to the client."""

from typing import Any

import pytest

from coderouter_proxy.wires.conversation import ToolChoice
from coderouter_proxy.wires.responses.request_reader import read
from coderouter_proxy.wires.responses.tools import Catalogue
from coderouter_proxy.wires.tool_names import NAME_CHARS_MAX
from support.proxy.drive_relay import request_of

Body = dict[str, Any]

USER: Body = {"role": "user", "content": "Hi."}


def function(name: str, **more: object) -> Body:
    return {"type": "function", "name": name, "description": f"about {name}", "parameters": {}, **more}


def namespace(name: str, *tools: Body) -> Body:
    return {"type": "namespace", "name": name, "description": "d", "tools": list(tools)}


def request(*tools: Body, more: list[Body] | None = None, **fields: object) -> Body:
    body = {"model": "m", "input": [USER, *(more or [])], "tools": list(tools), **fields}
    return request_of("responses", body).body


def names(body: Body) -> list[str]:
    return [tool.name for tool in read(body).tools if tool.hosted is None]


def test_tools_come_from_the_field_and_from_the_input() -> None:
    added = {
        "type": "additional_tools",
        "role": "developer",
        "tools": [namespace("clock", function("sleep"))],
    }
    found = {"type": "tool_search_output", "call_id": "c", "tools": [function("late"), function("ls")]}
    body = request(function("ls"), more=[added, found])
    assert names(body) == ["ls", "clock__sleep", "late"]


def test_of_two_tools_with_a_name_the_later_one_counts() -> None:
    body = request(function("ls"), function("rm"), function("ls", description="newer"))
    assert [(tool.name, tool.description) for tool in read(body).tools] == [
        ("ls", "newer"),
        ("rm", "about rm"),
    ]


def test_names_of_functions_are_distinct_and_short() -> None:
    long = "with_a_long_tool_name_" * 5
    body = request(
        namespace("a", function("b")),
        function("a__b"),
        namespace("n.s", function(long), function(long + "x")),
    )
    flat = names(body)
    assert len(set(flat)) == len(flat) == 4
    assert all(len(name) <= NAME_CHARS_MAX for name in flat)
    catalogue = Catalogue.of(body)
    back = [catalogue.called(name) for name in flat]
    assert [(entry.namespace, entry.name) for entry in back if entry] == [
        ("a", "b"),
        ("", "a__b"),
        ("n.s", long),
        ("n.s", long + "x"),
    ]
    assert flat == names(body)  # the same in the next request


def test_a_model_may_leave_out_a_namespace_that_is_not_needed() -> None:
    catalogue = Catalogue.of(request(namespace("functions", function("exec"), function("x")), function("x")))
    found = catalogue.called("exec")
    assert found is not None
    assert (found.namespace, found.name) == ("functions", "exec")
    bare = catalogue.called("x")
    assert bare is not None
    assert bare.namespace == ""
    assert catalogue.called("y") is None


def test_a_call_of_the_past_has_the_name_that_its_tool_has_now() -> None:
    catalogue = Catalogue.of(request(namespace("functions", function("exec"))))
    assert catalogue.flat_name("", "exec") == "functions__exec"
    assert catalogue.flat_name("functions", "exec") == "functions__exec"
    assert catalogue.flat_name("gone", "tool") == "gone__tool"
    assert catalogue.flat_name("", "gone") == "gone"


def test_a_custom_tool_is_a_function_of_one_text_whose_description_has_the_grammar() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: x"}
    [tool] = read(
        request({"type": "custom", "name": "p", "description": "Patches.", "format": grammar})
    ).tools
    assert tool.description == "Patches.\n\nThe text must follow this lark grammar:\nstart: x"
    assert isinstance(tool.parameters, dict)
    assert tool.parameters["required"] == ["input"]
    assert tool.parameters["properties"] == {"input": {"type": "string"}}


def test_a_search_for_tools_is_a_function_only_if_the_client_runs_it() -> None:
    schema = {"type": "object", "properties": {"q": {}}}
    search = {"type": "tool_search", "execution": "client", "description": "Finds.", "parameters": schema}
    [tool] = read(request(search)).tools
    assert (tool.name, tool.description, tool.parameters) == ("tool_search", "Finds.", schema)
    [hosted] = read(request({"type": "tool_search"})).tools
    assert hosted.hosted == "tool_search"


@pytest.mark.parametrize("strict", [True, False, None])
def test_only_a_strict_function_is_said_to_be_strict(strict: object) -> None:
    [tool] = read(request(function("ls", strict=strict))).tools
    assert tool.strict is (True if strict else None)


def test_a_forced_tool_has_the_name_of_its_function() -> None:
    tools = (namespace("ns", function("add")), {"type": "custom", "name": "p"})
    forced = {"type": "function", "name": "add", "namespace": "ns"}
    assert read(request(*tools, tool_choice=forced)).tool_choice == ToolChoice("tool", "ns__add")
    custom = {"type": "custom", "name": "p"}
    assert read(request(*tools, tool_choice=custom)).tool_choice == ToolChoice("tool", "p")


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_of_allowed_tools_only_those_are_sent(mode: str) -> None:
    allowed = [{"type": "function", "name": "ls"}, {"type": "custom", "name": "p"}]
    choice = {"type": "allowed_tools", "mode": mode, "tools": allowed}
    tools = (function("rm"), function("ls"), {"type": "custom", "name": "p"})
    conversation = read(request(*tools, tool_choice=choice))
    assert [tool.name for tool in conversation.tools] == ["ls", "p"]
    assert conversation.tool_choice is not None
    assert conversation.tool_choice.mode == mode


def test_a_hosted_tool_cannot_be_forced() -> None:
    conversation = read(request(function("ls"), tool_choice={"type": "file_search"}))
    assert conversation.tool_choice is None
    assert conversation.vendor["openai"]["tool_choice"] == {"type": "file_search"}
