"""What the proxy learnt is reported as the line that its providers.yaml needs."""

from typing import Any, get_args

import pytest
import yaml

from coderouter_events.closed_sets import TraitName
from coderouter_exporter.render.report import report
from coderouter_exporter.state.state import State
from coderouter_proxy.config.traits import Traits
from coderouter_proxy.providers import adaptations
from coderouter_proxy.providers.wordings.adaptation import Value
from exporter.fold.events import adapted, folded, heartbeat, view

VALUES: dict[str, Value] = {
    "system_text": "first",
    "call_ids": "nine",
    "max_tokens_field": "max_completion_tokens",
    "max_output_tokens": 8192,
    "refused_fields": ("store", "context-1m-2025-08-07", "0x1", "1e3", "a b: c", "on"),
    "refused_schema_keywords": ("$schema", "not", "if", "null", "no"),
    "efforts": ("none", "low"),
}
"""Of the traits that are not just true or false."""


def learnt(state: State, now_ts: float = 9.0) -> Any:
    return report(view(state, now_ts=now_ts))["learnt"]


def test_the_values_of_all_processes_and_refusals_are_in_one_line() -> None:
    state = folded(
        heartbeat(1, "w1", 0),
        heartbeat(1, "w2", 0),
        adapted(2, "w1", "refused_fields", "store, user"),
        adapted(3, "w2", "refused_fields", "user, seed", reason="stream-options"),
        adapted(4, "w1", "max_output_tokens", "9000", reason="output-limit"),
        adapted(5, "w2", "max_output_tokens", "8192", reason="output-limit"),
        adapted(6, "w1", "call_ids", "nine", provider="b", reason="call-id-form"),
    )
    assert learnt(state) == [
        {
            "provider": "a",
            "reasons": ["refused-field", "stream-options", "output-limit"],
            "line": "traits: {max_output_tokens: 8192, refused_fields: [store, user, seed]}",
        },
        {"provider": "b", "reasons": ["call-id-form"], "line": "traits: {call_ids: nine}"},
    ]


@pytest.mark.parametrize("trait", get_args(TraitName))
def test_the_line_is_what_the_proxy_would_read(trait: str) -> None:
    for value in (VALUES[trait],) if trait in VALUES else (True, False):
        state = folded(heartbeat(1, "w", 0), adapted(2, "w", trait, adaptations.shown(value)))
        [shown] = learnt(state)
        read = yaml.safe_load(shown["line"])["traits"]
        assert read == {trait: list(value) if isinstance(value, tuple) else value}
        Traits.model_validate(read)


def test_a_list_may_be_empty() -> None:
    state = folded(heartbeat(1, "w", 0), adapted(2, "w", "efforts", "", reason="no-effort"))
    assert learnt(state) == [{"provider": "a", "reasons": ["no-effort"], "line": "traits: {efforts: []}"}]


def test_nothing_is_shown_of_a_process_that_is_gone() -> None:
    state = folded(adapted(2, "w", "call_ids", "nine"))
    assert learnt(state) == [], "it has never sent a heartbeat"
    folded(heartbeat(3, "w", 0), state=state)
    assert learnt(state, 48.0) != []
    assert learnt(state, 49.0) == []
