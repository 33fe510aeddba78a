"""What a provider is sent, and that its keys and answers are not repeated to anyone."""

import pytest

from proxy.conftest import A_KEY, B_KEY
from support.proxy import openai_answers as says
from support.proxy.process import Proxy
from support.proxy.upstream import Provider, stream, whole


def test_what_the_provider_is_sent(served: Proxy, a: Provider) -> None:
    a.plays(says.answer())

    served.chat(profile="styled", temperature=0.9, stop=["x"], stream=False).rest()

    assert a.request.path == "/a/v1/chat/completions"
    assert a.request.json == {
        "model": "styled-model",
        "temperature": 0.9,
        "top_k": 7,
        "options": {"num_ctx": 8192},
        "stop": ["x"],
        "messages": [
            {"role": "system", "content": "Answer in French."},
            {"role": "user", "content": "Say hello."},
        ],
    }


@pytest.mark.parametrize(
    ("profile", "system"),
    [
        ("styled", "Be brief.\n\nAnswer in French."),
        ("restyled", "Be brief.\n\nAnswer in verse."),
        ("unstyled", "Be brief."),
    ],
)
def test_an_appended_prompt_extends_the_system_message_and_the_profiles_replaces_the_providers(
    profile: str, system: str, served: Proxy, a: Provider
) -> None:
    a.plays(says.answer())
    user = {"role": "user", "content": "Hi"}

    served.chat(profile=profile, messages=[{"role": "system", "content": "Be brief."}, user]).rest()

    assert a.request.json["messages"] == [{"role": "system", "content": system}, user]


def test_an_appended_prompt_extends_a_system_message_of_parts(served: Proxy, a: Provider) -> None:
    a.plays(says.answer())
    part = {"type": "text", "text": "Be brief."}

    served.chat(profile="styled", messages=[{"role": "developer", "content": [part]}]).rest()

    added = {"type": "text", "text": "Answer in French."}
    assert a.request.json["messages"] == [{"role": "system", "content": [part, added]}]


def test_fields_and_headers_that_are_set_by_hand_override_the_clients(served: Proxy, a: Provider) -> None:
    a.plays(says.answer())

    served.chat(profile="custom", temperature=0.9, top_p=0.5, max_tokens=100, stream=False).rest()

    sent = a.request.json
    assert (sent["temperature"], sent["seed"], sent["max_tokens"]) == (0, 3, 50)
    assert "top_p" not in sent
    headers = {name.lower(): value for name, value in a.request.headers.items()}
    assert (headers["x-tenant"], headers["user-agent"]) == (f"team-{B_KEY}", "router")


def test_each_provider_gets_its_own_key_and_never_the_clients(
    served: Proxy, a: Provider, b: Provider, c: Provider
) -> None:
    for provider in (a, b):
        provider.plays(says.error("no", 500))
    c.plays(says.answer())

    served.chat(profile="three", headers={"Authorization": "Bearer client-key", "X-Api-Key": "k"}).rest()

    assert a.request.headers["authorization"] == f"Bearer {A_KEY}"
    assert b.request.headers["authorization"] == f"Bearer {B_KEY}"
    assert "authorization" not in c.request.headers
    assert "x-api-key" not in c.request.headers


@pytest.mark.parametrize("status", [401, 422])
def test_a_key_in_an_error_of_a_provider_is_masked(
    status: int, served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(says.error(f"Incorrect API key provided: {A_KEY}. See the docs.", status))
    b.plays(says.error(f"Incorrect API key provided: {B_KEY}. See the docs.", status))

    response = served.chat().rest()

    assert A_KEY.encode() not in response.body
    assert B_KEY.encode() not in response.body
    failures = [e for e in served.story(response.request_id) if e["msg"] == "provider-failed"]
    assert {event["error"] for event in failures} == {"Incorrect API key provided: ***. See the docs."}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    "broken", [b'{"choices": [{"message": {"content": "my secret', b'{"text": "my secret"}', b"my secret"]
)
def test_an_answer_that_cannot_be_read_is_not_quoted_in_the_events(
    broken: bytes, streamed: bool, served: Proxy, a: Provider
) -> None:
    a.plays(stream(b"data: " + broken + b"\n\n") if streamed else whole(broken))

    response = served.chat(profile="one", stream=streamed).rest()

    failed = served.story(response.request_id)[1]
    assert "secret" not in failed["error"]


def test_a_long_error_is_truncated_in_the_events(served: Proxy, a: Provider) -> None:
    a.plays(says.error("é" * 2000, 500))
    response = served.chat(profile="one").rest()
    assert served.story(response.request_id)[1]["error"] == "é" * 499 + "…"
