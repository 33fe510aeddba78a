"""Of the models on a server, the one that suits a coding agent best comes first."""

import pytest

from coderouter_proxy.init import models


@pytest.mark.parametrize("name", ["a\n  model: b", "a\u2028b", "a\x7fb", "a\x85b", "", None, 7, ["a"]])
def test_a_name_that_cannot_be_written_to_yaml_is_skipped(name: object) -> None:
    assert models.read({"id": name}) is None


@pytest.mark.parametrize(
    ("found", "best"),
    [
        (["llama3.1:8b", "qwen2.5-coder:7b"], "qwen2.5-coder:7b"),
        (["qwen2.5-coder:1.5b", "qwen2.5-coder:14b", "qwen2.5-coder:7b"], "qwen2.5-coder:14b"),
        (["qwen3-coder:480b-cloud", "llama3.2:3b"], "llama3.2:3b"),
        (["qwen2.5-coder:32b-base", "gemma3:4b"], "gemma3:4b"),
        (["codellama:7b-code", "devstral:24b"], "devstral:24b"),
        (["gemma3:27b", "gemma3:4b"], "gemma3:27b"),
        (["unknown", "gemma3:4b"], "gemma3:4b"),
        (["only"], "only"),
    ],
)
def test_coding_models_come_first_then_larger_ones_and_remote_ones_last(found: list[str], best: str) -> None:
    read = [model for name in found if (model := models.read({"id": name}))]
    assert models.best_first(read)[0].name == best


@pytest.mark.parametrize(
    "name",
    [
        *("nomic-embed-text:latest", "mxbai-embed-large", "bge-m3:latest", "all-minilm:33m", "gte-large"),
        *("text-embedding-qwen3-0.6b", "snowflake-arctic-embed2", "granite-embedding:278m"),
        *("paraphrase-multilingual", "multilingual-e5-large", "jina-reranker-v2", "whisper-large-v3"),
        "llama-guard3:8b",
    ],
)
def test_a_model_that_cannot_chat_is_never_chosen(name: str) -> None:
    assert models.read({"id": name}) is None
