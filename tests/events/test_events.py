import inspect
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import orjson
import pytest

from coderouter_events import events
from coderouter_events.events import ENVELOPE, EVENTS, LINE_BYTES_MAX, CatalogEntry, Event, Startup
from coderouter_proxy.eventlog.writer import EventLog


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
    described = events.field_descriptions(event)
    assert list(described) == [field.name for field in fields(event)]
    assert all(text.endswith((".", "…")) for text in described.values())


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.msg)
def test_a_line_holds_the_envelope_and_then_the_fields_of_the_event(
    event: type[Event], tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    EventLog(path).write(example_of(event))

    [line] = path.read_bytes().splitlines()

    written = orjson.loads(line)
    assert list(written) == [*ENVELOPE, *(field.name for field in fields(event))]
    assert (written["msg"], written["level"], written["logger"], written["seq"]) == (
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
    written = orjson.loads(line)
    assert list(written) == [*ENVELOPE, *(field.name for field in fields(Startup))]
    assert written["default_profile"] == "default"
    assert len(written["catalog"]) in (providers, 0)
