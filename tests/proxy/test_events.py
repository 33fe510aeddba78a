import ast
import inspect
import sys
from collections.abc import Iterator
from dataclasses import fields
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import orjson
import pytest

import coderouter_proxy
from coderouter_proxy import events
from coderouter_proxy.eventlog import EventLog
from coderouter_proxy.events import ENVELOPE, EVENTS, LINE_BYTES_MAX, CatalogEntry, Event, Startup

PACKAGE = Path(coderouter_proxy.__file__).parent


MODULES = {
    ".".join(("coderouter_proxy", *path.relative_to(PACKAGE).with_suffix("").parts)): path
    for path in PACKAGE.rglob("*.py")
}


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else node.module for name in names)


def example(hint: Any) -> Any:
    """Return some value of the type."""
    if get_origin(hint) is Literal:
        return get_args(hint)[0]
    plain: dict[Any, Any] = {str: "…", int: 1, float: 0.5, bool: True}
    if hint in plain:
        return plain[hint]
    if get_origin(hint) in (list, dict):
        return get_origin(hint)()
    return None


def example_of(event: type[Event]) -> Event:
    hints = get_type_hints(event)
    return event(**{field.name: example(hints[field.name]) for field in fields(event)})


def startup(providers: int) -> Startup:
    entry = CatalogEntry(
        name="n" * 20,
        kind="openai_compat",
        model="m" * 20,
        paid=False,
        base_url="http://h/" + "u" * 40,
        monthly_budget_usd=None,
    )
    return Startup(
        version="2.0.0",
        providers=["n" * 20] * providers,
        profiles=["default"],
        default_profile="default",
        allow_paid=True,
        mode_source="config",
        display_timezone=None,
        catalog=[entry] * providers,
        chains={"default": ["n" * 20] * providers},
    )


def test_every_event_is_listed_once() -> None:
    declared = {kind for _, kind in inspect.getmembers(events, inspect.isclass) if issubclass(kind, Event)}
    assert set(EVENTS) == declared - {Event}
    assert len(EVENTS) == len(set(EVENTS))


def test_every_event_has_a_name_of_its_own() -> None:
    assert len({event.msg for event in EVENTS}) == len(EVENTS)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.msg)
def test_every_event_and_each_of_its_fields_is_described(event: type[Event]) -> None:
    assert event.__doc__
    assert event.__doc__.endswith(".")
    described = events.described(event)
    assert list(described) == [field.name for field in fields(event)]
    assert all(text.endswith((".", "…")) for text in described.values())


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.msg)
def test_a_line_holds_the_envelope_and_then_the_fields_of_the_event(
    event: type[Event], tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    EventLog(path).write(example_of(event))

    [line] = path.read_bytes().splitlines()

    told = orjson.loads(line)
    assert list(told) == [*ENVELOPE, *(field.name for field in fields(event))]
    assert (told["msg"], told["level"], told["logger"], told["seq"]) == (
        event.msg,
        event.level,
        "coderouter",
        1,
    )
    assert b" " not in line.replace(b"\xe2\x80\xa6", b"")


@pytest.mark.parametrize("providers", [10, 300, 301, 302, 303, 2_000])
def test_a_line_never_exceeds_its_limit(providers: int, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    EventLog(path).write(startup(providers))

    line = path.read_bytes()

    assert line.endswith(b"\n")
    assert len(line) <= LINE_BYTES_MAX
    told = orjson.loads(line)
    assert list(told) == [*ENVELOPE, *(field.name for field in fields(Startup))]
    assert told["default_profile"] == "default"
    assert len(told["catalog"]) in (providers, 0)


def test_the_contract_needs_nothing_but_the_standard_library() -> None:
    assert {name.partition(".")[0] for name in imported(PACKAGE / "events.py")} <= sys.stdlib_module_names


def test_the_proxy_imports_nothing_of_the_exporter() -> None:
    everything = {name for module in MODULES.values() for name in imported(module)}
    assert not {name for name in everything if name.startswith("coderouter_exporter")}


def test_imports_within_the_proxy_go_one_way() -> None:
    graph = {name: set(imported(path)) & MODULES.keys() for name, path in MODULES.items()}
    from_below = [name.removeprefix("coderouter_proxy.") for name in TopologicalSorter(graph).static_order()]
    assert graph["coderouter_proxy.events"] == set()
    assert from_below.index("config") < from_below.index("route") < from_below.index("app")


def test_nothing_imports_a_command_but_the_table_of_commands() -> None:
    commands = {name for name in MODULES if name.startswith("coderouter_proxy.commands")}
    for name in MODULES.keys() - commands:
        assert not set(imported(MODULES[name])) & (commands | {"coderouter_proxy.cli"}), name
