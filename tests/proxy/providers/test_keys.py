"""Several keys of one provider: the next one is sent when one is refused, and files of keys are read again."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from coderouter_proxy.config import load
from coderouter_proxy.config.schema import Provider as ProviderConfig
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.keys import CHECK_S, FILE_BYTES_MAX, REST_S, Keys, Picked, has_key, problems
from support.events import Event, names, read
from support.proxy import openai_answers as says
from support.proxy.process import Proxy, config, provider, serving
from support.proxy.upstream import Provider, Received, Script, Upstream

ENV = {"ONE": "key-number-one", "TWO": "key-number-two", "THREE": "key-number-three"}
AGAIN = ["try-provider", "provider-failed"]
ANSWERED = ["try-provider", "provider-ok", "request-finished"]


def sent(a: Provider) -> list[str]:
    return [request.headers.get("authorization", "").removeprefix("Bearer ") for request in a.requests]


def indices(story: list[Event]) -> list[int | None]:
    return [event["key_index"] for event in story if "key_index" in event]


@pytest.fixture(scope="module")
def keyring(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy with profiles of keys: `a` with some, then `b`. Each is for one test, because keys rest."""
    a, b = (upstream_server.provider(name).base_url for name in "ab")
    profiles = {"401": ["ONE", "TWO"], "429": ["ONE", "TWO"], "all": [*ENV], "500": ["ONE", "TWO"]}
    providers = [provider(f"a{name}", a, api_key_env=keys) for name, keys in profiles.items()]
    text = config([*providers, provider("b", b)], default_profile="all")
    text["profiles"] = [
        {"name": name, "providers": [f"a{name}", "b"], "cooldown": {"threshold": 2}} for name in profiles
    ]
    with serving(tmp_path_factory.mktemp("keyring"), text, env=ENV) as served:
        yield served
        assert not any(key in served.events_path.read_text() for key in ENV.values())


@pytest.mark.parametrize(("status", "streamed"), [(401, False), (429, True)])
def test_the_next_key_is_sent_before_the_next_provider(
    status: int, streamed: bool, keyring: Proxy, a: Provider
) -> None:
    a.plays(says.error("no", status), *[says.hello(as_stream=streamed)] * 2)
    first, second = (
        keyring.story(keyring.chat(profile=str(status), stream=streamed).rest().request_id) for _ in range(2)
    )
    assert sent(a) == [ENV["ONE"], ENV["TWO"], ENV["TWO"]]
    assert names(first) == AGAIN + ANSWERED
    assert names(second) == ANSWERED, "a key that was refused rests"
    assert (indices(first), indices(second)) == ([0, 1], [1])


def test_a_provider_that_refuses_all_keys_is_left_and_has_failed_once(
    keyring: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(always=says.error("slow down, key-number-two", 429))
    b.plays(always=says.answer())
    first, second = (keyring.story(keyring.chat(profile="all").rest().request_id) for _ in range(2))
    assert names(first) == AGAIN * 3 + ANSWERED
    assert names(second) == [*AGAIN, *ANSWERED], "none of them may do better"
    assert indices(first) == [0, 1, 2, None]
    cooldowns = [e for e in read(keyring.events_path, "provider-cooldown") if e["provider"] == "aall"]
    assert [event["failures"] for event in cooldowns] == [2]


def test_other_refusals_do_not_speak_of_the_key(keyring: Proxy, a: Provider, b: Provider) -> None:
    a.plays(says.error("no", 500))
    b.plays(says.answer())
    assert keyring.chat(profile="500").rest().status == 200
    assert sent(a) == [ENV["ONE"]]


def test_a_file_that_changes_is_read_again(tmp_path: Path, a: Provider) -> None:
    def answer(request: Received) -> Script:
        return says.answer() if "fresh" in request.headers["authorization"] else says.error("expired", 401)

    a.plays(always=answer)
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "key").write_text("stale-key-of-old\n")
    text = config([provider("a", a.base_url, api_key_file="${CREDENTIALS_DIRECTORY}/key")])
    with serving(tmp_path, text, env={"CREDENTIALS_DIRECTORY": str(folder)}) as served:
        assert served.chat().rest().status == 502
        (folder / "new").write_text("fresh-key-of-new")
        (folder / "new").replace(folder / "key")  # as Kubernetes and systemd do
        story = served.story(served.chat().rest().request_id)
    assert names(story)[-3:] == ANSWERED
    assert sent(a)[-1] == "fresh-key-of-new"
    assert "stale-key" not in served.events_path.read_text()


def keyed(**fields: object) -> ProviderConfig:
    entry = provider("a", "http://127.0.0.1:1/v1", **fields)
    return ProviderConfig.model_validate(entry)


def refusal(status: int = 401, retry_after: str | None = None) -> ProviderError:
    return ProviderError("auth", "no", status=status, retry_after=retry_after)


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, key in ENV.items():
        monkeypatch.setenv(name, key)


@pytest.mark.usefixtures("variables")
def test_keys_are_sent_in_their_order_unless_they_rest() -> None:
    now = [0.0]
    keys = Keys(keyed(api_key_env=[*ENV]), lambda: now[0])
    one, two, three = (Picked(key, index) for index, key in enumerate(ENV.values()))
    assert keys.pick() == one
    assert keys.refused(one, refusal())
    assert keys.pick() == two
    assert keys.refused(two, refusal(429, "5"))
    assert keys.pick() == three
    assert not keys.refused(three, refusal()), "all rest now"
    assert keys.pick() == two, "the first whose rest ends"
    now[0] = REST_S + 1
    assert keys.pick() == one


@pytest.mark.usefixtures("variables")
@pytest.mark.parametrize("status", [400, 401, 402, 403, 429, 500, 503])
def test_only_some_statuses_speak_of_the_key(status: int) -> None:
    speaks_of_it = status in (401, 402, 403, 429)
    keys = Keys(keyed(api_key_env=["ONE", "TWO"]), lambda: 0.0)
    assert keys.refused(keys.pick(), refusal(status)) == speaks_of_it
    assert keys.pick().index == int(speaks_of_it)
    about_request = ProviderError("auth", "no such tool", status=403, about_request=True)
    assert not keys.refused(keys.pick(), about_request)


@pytest.mark.usefixtures("variables")
@pytest.mark.parametrize("retry_after", ["0", "-5", "nan", "soon"])
def test_a_refused_key_rests_whatever_the_provider_asks_for(retry_after: str) -> None:
    keys = Keys(keyed(api_key_env=["ONE", "TWO"]), lambda: 0.0)
    assert keys.refused(keys.pick(), refusal(429, retry_after))
    assert keys.pick().index == 1


def test_variables_that_are_not_set_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONE", raising=False)
    monkeypatch.setenv("TWO", " a-key ")
    given = keyed(api_key_env=["ONE", "TWO"])
    assert Keys(given).pick() == Picked("a-key", 1)
    assert (has_key(given), problems(given)) == (True, ["ONE is not set"])
    assert not has_key(keyed(api_key_env="ONE"))
    assert Keys(keyed()).pick() == Picked()


@pytest.mark.parametrize("content", [b"", b" \n", b"two\nlines", b"\x00", b"k" * (FILE_BYTES_MAX + 1)])
def test_a_file_without_a_key_counts_as_none_until_it_has_one(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    now = [0.0]
    given = keyed(api_key_file=str(path))
    keys = Keys(given, lambda: now[0])
    assert keys.pick() == Picked()
    assert len(problems(given)) == 1
    path.write_bytes(b"a-real-key\r\n")
    assert keys.pick() == Picked(), "it is looked at once a second"
    now[0] = CHECK_S
    assert keys.pick() == Picked("a-real-key", 0)
    path.unlink()
    now[0] = 2 * CHECK_S
    assert keys.pick() == Picked()
    assert keys.secrets == ("a-real-key",)


def test_what_is_no_file_holds_no_key_and_nothing_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    given = keyed(api_key_file=[str(tmp_path / "pipe"), str(tmp_path), str(tmp_path / "none")])
    assert Keys(given).pick() == Picked()
    assert len(problems(given)) == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("api_key_file: keys/openai", "'keys/openai' is not an absolute path"),
        ("api_key_file: /a/sk-abcdefghijklmnopqrst", "looks like a key; write the path"),
        ("api_key_file: [/a, 5]", "should be text, or a list of texts"),
        ("api_key_env: []", "should not be empty"),
        ("api_key_env: [A, sk-abcdefghijklmnopqrst]", "looks like a key"),
        ("api_key_env: {a: b}", "should be text, or a list of texts"),
        ("api_key_file: /a, headers: {x-api-key: v}", "beside api_key_file, which sets it"),
    ],
)
def test_a_field_of_keys_that_cannot_be_says_why(fields: str, message: str) -> None:
    text = f"providers:\n  - {{name: a, base_url: 'http://h/v1', model: m, {fields}}}\n"
    with pytest.raises(ConfigErrors) as raised:
        load.parse(f"{text}profiles: [{{name: default, providers: [a]}}]\n", "f")
    [error] = raised.value.errors
    assert message in error
    assert "abcdefghijklmnopqrst" not in error
