"""The table of complaints: the words of real servers, by the row that knows them and the value that they call for."""

import dataclasses
from typing import get_args

import pytest

from coderouter_events.closed_sets import AdaptationReason, TraitName
from coderouter_proxy.config.traits import ProviderTraits, Traits
from coderouter_proxy.providers import adaptations
from coderouter_proxy.providers.adaptations import ADAPTATIONS
from coderouter_proxy.providers.wordings.adaptation import Value
from coderouter_proxy.wires.refusals import by_status, refusal
from support.proxy.complaints import fields, limits, media, messages, thinking

PLAIN = ProviderTraits(
    system_text="anywhere", alternating=False, max_tokens_field="max_tokens", temperature_with_top_p=True
)

# Each from a report or a documentation that the row's comment names.
COMPLAINTS = [*limits.LIMITS, *messages.MESSAGES, *fields.FIELDS, *thinking.THINKING, *media.MEDIA]


def first_row(message: str, status: int = 400, traits: ProviderTraits = PLAIN) -> tuple[str, Value] | None:
    found = adaptations.recognised(by_status(status, message), traits, last_resort=True)
    return next(((row.id, value) for row, value in found), None)


@pytest.mark.parametrize(
    ("reason", "server", "status", "words", "value"),
    COMPLAINTS,
    ids=[f"{row[0]} ({row[1]})" for row in COMPLAINTS],
)
def test_words_call_for_a_value(reason: str, server: str, status: int, words: str, value: Value) -> None:
    traits = PLAIN
    if value == "never":
        traits = adaptations.applied(PLAIN, "system_text", "first")
    assert first_row(words, status, traits) == (reason, value), server


def test_the_older_name_of_the_limit_is_used_where_the_newer_is_unknown() -> None:
    traits = adaptations.applied(PLAIN, "max_tokens_field", "max_completion_tokens")
    words = "body.max_completion_tokens: Extra inputs are not permitted"
    assert first_row(words, 422, traits) == ("max-tokens", "max_tokens")


def test_every_row_is_tested_and_at_least_twelve_servers_are_known() -> None:
    assert {row[0] for row in COMPLAINTS} | {"max-tokens"} == {row.id for row in ADAPTATIONS}
    assert len({server.strip() for row in COMPLAINTS for server in row[1].split(",")}) >= 12


def test_the_closed_sets_of_the_event_are_those_of_the_code() -> None:
    assert [row.id for row in ADAPTATIONS] == list(get_args(AdaptationReason))
    assert list(Traits.model_fields) == list(get_args(TraitName))
    assert {field.name for field in dataclasses.fields(ProviderTraits)} == set(get_args(TraitName))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "prompt is too long: 210000 tokens > 200000 maximum"),
        (
            400,
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        ),
        (
            400,
            (
                "This model's maximum context length is 32768 tokens. However, you requested 64700 tokens (32700 in "
                "the messages, 32000 in the completion)."
            ),
        ),
        (400, "request (24071 tokens) exceeds the available context size (8192 tokens), try increasing it"),
        (400, "messages: at least one message is required"),
        (400, "body.messages: Extra inputs are not permitted"),
        (400, "Unsupported parameter: 'tools'"),
        (400, "failed to call a function"),
        (401, "Unsupported parameter: 'store'"),
        (429, "property 'store' is unsupported"),
        (503, "System message must be at the beginning."),
        (
            413,
            "Request too large for model: tokens per minute (TPM): Limit 6000; store: Extra inputs are not permitted",
        ),
    ],
)
def test_other_words_call_for_nothing(status: int, words: str) -> None:
    assert first_row(words, status) is None


def test_what_a_provider_has_already_is_not_proposed() -> None:
    traits = ProviderTraits(refused_fields=("store",), max_output_tokens=4096, system_text="never")
    assert first_row("body.store: Extra inputs are not permitted", 422, traits) is None
    assert first_row("`max_tokens` must be less than or equal to `8192`", 400, traits) is None
    assert first_row("System message must be at the beginning.", 400, traits) is None


def test_a_system_message_that_is_refused_in_first_place_becomes_text_of_the_user() -> None:
    words = "chat template rejected the request: Unexpected message role."
    assert first_row(words, 400, ProviderTraits(system_text="first")) == ("developer-role", "never")


def test_images_and_documents_are_a_last_resort() -> None:
    error = by_status(400, "this model does not support image input")
    assert list(adaptations.recognised(error, PLAIN, last_resort=False)) == []


@pytest.mark.parametrize("value", [("store", "user"), (), "nine", 8192, True, False])
def test_a_value_in_an_event_can_be_read_back(value: Value) -> None:
    trait = {tuple: "refused_fields", str: "call_ids", int: "max_output_tokens", bool: "images"}[type(value)]
    assert adaptations.parsed(trait, adaptations.shown(value)) == value


def test_the_body_of_gemini_is_a_list() -> None:
    body = (
        b'[{"error": {"code": 400, "message": "Invalid JSON payload. Unknown name \\"exclusiveMinimum\\""}}]'
    )
    error = refusal(400, body, None, "Bad Request")
    row, value = next(adaptations.recognised(error, PLAIN, last_resort=False))
    assert (row.id, value) == ("schema-keyword", ("exclusiveMinimum",))
