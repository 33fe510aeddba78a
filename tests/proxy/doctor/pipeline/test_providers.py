"""A provider is checked by its list of models: it responds, accepts the key and has the configured model."""

from pathlib import Path

import pytest

from support.proxy import process
from support.proxy.pipeline import KEY, Pipeline
from support.proxy.upstream import CUT, HANG, Provider, Script, stream, whole


@pytest.mark.parametrize(
    ("script", "verdict", "message", "remedy"),
    [
        (
            whole({"error": {"message": "no"}}, status=401),
            "AUTH_FAIL",
            "responds with 401: no",
            "correct the key in A_KEY",
        ),
        (
            whole({"error": {"message": KEY}}, status=403),
            "AUTH_FAIL",
            "responds with 403: ***",
            "correct the key in A_KEY",
        ),
        (
            whole(b"", status=404),
            "SKIP",
            "responds with 404: ",
            "it may have none; to find out whether it answers",
        ),
        (
            whole({"data": []}, headers={"Date": "Wed, 25 Nov 2020 10:00:00 GMT"}),
            "NEEDS_TUNING",
            "minutes ahead of the provider's",
            "set this machine's clock",
        ),
        (whole(b"", status=500), "TRANSPORT_ERROR", "responds with 500: ", "check the server's log"),
        (whole(b"", status=302), "TRANSPORT_ERROR", "redirects with 302", "correct base_url or kind"),
        (whole({"error": "slow down"}, status=429), "OK", "responds with 429: slow down", ""),
        (
            whole(b"<html>"),
            "TRANSPORT_ERROR",
            "responds with something that is not a list of models",
            "correct base_url or kind",
        ),
        (
            whole([1]),
            "TRANSPORT_ERROR",
            "responds with something that is not a list of models",
            "correct base_url or kind",
        ),
        (
            whole({"data": [{"id": "b"}]}),
            "NEEDS_TUNING",
            "a-model is not among the 1 models",
            "one that is there: b",
        ),
        (
            whole({"data": []}),
            "NEEDS_TUNING",
            "a-model is not among the 0 models",
            "load it on the server",
        ),
        (
            whole({"data": [{"id": "b", "owned_by": "library"}]}),
            "NEEDS_TUNING",
            "a-model is not among",
            "ollama pull a-model, or use one",
        ),
        (
            whole({"data": [{"id": "b", "owned_by": "llamacpp"}]}),
            "OK",
            "responds; llama.cpp serves the one model",
            "",
        ),
        (whole({"data": [{"id": "a-model:latest"}]}), "OK", "responds, and has a-model", ""),
        (whole({"data": [{"id": "models/a-model"}]}), "OK", "responds, and has a-model", ""),
        ((), "TRANSPORT_ERROR", "", "start the server, or correct base_url"),
    ],
)
def test_a_provider_is_judged_by_its_list_of_models(
    script: Script, verdict: str, message: str, remedy: str, pipeline: Pipeline, a: Provider
) -> None:
    a.plays(always=script or (CUT,))
    found = pipeline.check()
    result = found["providers/a"]
    assert result.verdict == verdict
    assert message in result.message
    assert remedy in result.remedy
    assert bool(result.remedy) == bool(remedy)
    assert found.unhealthy == ({} if verdict == "OK" else {"providers/a": verdict})
    assert found.code == {"OK": 0, "SKIP": 0, "NEEDS_TUNING": 2}.get(verdict, 1)


def test_a_provider_whose_key_is_not_set_gets_no_request(
    pipeline: Pipeline, a: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", " ")
    found = pipeline.check()
    assert found.unhealthy == {"providers/a": "AUTH_FAIL"}
    assert found["providers/a"].message == "has no key: A_KEY is not set"
    assert a.requests == []


def test_each_key_of_a_provider_is_checked(
    pipeline: Pipeline, tmp_path: Path, a: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECOND", "second-key-0000")
    provider = process.provider("a", a.base_url, model="a-model", api_key_env=["A_KEY", "SECOND"])
    config = process.write_config(tmp_path, process.config([provider]))
    a.plays(whole({"data": [{"id": "a-model"}]}), whole({"error": {"message": "expired"}}, status=401))
    found = pipeline.check(config=config)["providers/a"]
    assert (found.verdict, found.message) == (
        "AUTH_FAIL",
        "with the key of SECOND: responds with 401: expired",
    )
    monkeypatch.delenv("SECOND")
    assert pipeline.check(config=config)["providers/a"].message == "has no key: SECOND is not set"


def test_a_provider_of_kind_anthropic_gets_a_request_of_its_wire(
    pipeline: Pipeline, tmp_path: Path, a: Provider
) -> None:
    a.plays(whole({"data": [{"id": "claude-x"}], "has_more": False}))
    provider = process.provider("claude", a.base_url, kind="anthropic", model="claude-x", api_key_env="A_KEY")
    found = pipeline.check(config=process.write_config(tmp_path, process.config([provider])))
    assert found["providers/claude"].verdict == "OK"
    assert a.request.path == "/a/v1/models?limit=1000"
    assert a.request.headers["x-api-key"] == KEY
    assert "anthropic-version" in a.request.headers


def test_the_headers_of_a_provider_are_sent_and_their_secrets_not_shown(
    pipeline: Pipeline, tmp_path: Path, a: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENANT_KEY", "tenant-secret")
    headers = {"authorization": "Bearer ${TENANT_KEY}", "X-Tenant": "blue"}
    provider = process.provider("a", a.base_url, model="a-model", headers=headers)
    config = process.write_config(tmp_path, process.config([provider]))
    a.plays(
        whole({"data": [{"id": "a-model"}]}), whole({"error": {"message": "not tenant-secret"}}, status=401)
    )

    assert pipeline.check(config=config)["providers/a"].message == "responds, and has a-model"
    assert a.request.headers["authorization"] == "Bearer tenant-secret"
    assert a.request.headers["x-tenant"] == "blue"

    refused = pipeline.check(config=config)["providers/a"]
    assert refused.message == "responds with 401: not ***"
    assert refused.remedy.startswith("correct its headers")


def test_a_provider_that_hangs_times_out(
    pipeline: Pipeline, a: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coderouter_proxy.doctor.pipeline.providers.TIMEOUT_S", 0.2)
    a.plays(always=stream(HANG))
    assert pipeline.check()["providers/a"].message == "no list of models within 0.2 s"


def test_a_list_that_is_not_there_is_no_fault_of_kind_anthropic(
    pipeline: Pipeline, a: Provider, tmp_path: Path
) -> None:
    a.plays(always=whole(b"", status=404))
    provider = process.provider(
        "claude", a.base_url.removesuffix("/v1"), kind="anthropic", api_key_env="A_KEY"
    )
    path = process.write_config(tmp_path, process.config([provider]))
    result = pipeline.check(config=path)["providers/claude"]
    assert (result.verdict, "/v1" in result.remedy) == ("SKIP", False)
