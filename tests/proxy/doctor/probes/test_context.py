"""The context probe finds out whether the declared context is really used."""

from pathlib import Path

from coderouter_proxy.doctor import result
from support.proxy.doctor import HEALTHY, run_probes
from support.proxy.model import Model
from support.proxy.upstream import Provider


def test_for_an_ollama_that_ignores_num_ctx_the_remedy_is_how_to_start_it(
    tmp_path: Path, a: Provider
) -> None:
    model = Model(context_tokens=2048, takes_options=False)
    found = run_probes(tmp_path, a, model, extra_body={"options": {"num_ctx": 16384}})
    assert found.verdicts["context"] == "NEEDS_TUNING"
    assert found.patch("context") == {}
    assert "although num_ctx is 16384" in found.text("context")
    assert "OLLAMA_CONTEXT_LENGTH=16384" in found.text("context")


def test_the_prompt_is_as_long_as_the_declared_context_requires(tmp_path: Path, a: Provider) -> None:
    rules = tmp_path / ".coderouter" / "model-capabilities.yaml"
    rules.parent.mkdir()
    rules.write_text("rules: [{match: small, capabilities: {max_context_tokens: 4000}}]")
    model = Model(context_tokens=4000)
    assert run_probes(tmp_path, a, model, model="small").verdicts["context"] == "OK"
    assert run_probes(tmp_path, a, model, model="other").verdicts["context"] == "NEEDS_TUNING"


def test_a_prompt_that_is_rejected_as_too_long_needs_tuning_but_is_not_an_error(
    tmp_path: Path, a: Provider
) -> None:
    found = run_probes(tmp_path, a, Model(rejects_over_tokens=4000))
    assert found.verdicts == HEALTHY | {"context": "NEEDS_TUNING"}
    assert "llama.cpp: -c" in found.text("context")
    assert result.exit_code(found.results) == 2


def test_a_model_that_recalls_no_word_at_all_shows_nothing_about_its_context(
    tmp_path: Path, a: Provider
) -> None:
    silent = run_probes(tmp_path, a, Model(recalls=False, reports_usage=False))
    assert silent.verdicts["context"] == "SKIP"
    counting = run_probes(tmp_path, a, Model(recalls=False))
    assert counting.verdicts["context"] == "OK"
    assert "makes little use of it" in counting.text("context")
