"""The JSON schema of providers.yaml, which editors use, accepts what the proxy accepts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from coderouter_proxy.config import load
from coderouter_proxy.init import clouds, starter_config
from coderouter_proxy.init.local_servers import OLLAMA
from proxy.config.test_pasted_keys import KEYS
from support import config_schema
from support.proxy.least_config import LEAST

ROOT = Path(__file__).parents[3]
SHIPPED: dict[str, Any] = json.loads(config_schema.PATH.read_text(encoding="utf-8"))
EXAMPLES = [*(ROOT / "deploy").rglob("examples/*.yaml"), ROOT / "deploy/kubernetes/providers.yaml"]
EXAMPLES += (ROOT / "proxy").rglob("servicefiles/providers.yaml")


def errors(text: str) -> list[str]:
    document = json.loads(json.dumps(yaml.safe_load(text), default=str))
    return [error.message for error in jsonschema.Draft202012Validator(SHIPPED).iter_errors(document)]


def test_the_shipped_schema_is_what_the_code_prints_now() -> None:
    assert config_schema.PATH.read_text(encoding="utf-8") == config_schema.text(), "run `make docs`"
    jsonschema.Draft202012Validator.check_schema(SHIPPED)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_valid(path: Path) -> None:
    assert errors(path.read_text(encoding="utf-8")) == []


def test_what_is_built_in_and_what_init_writes_is_valid() -> None:
    entries = [*starter_config.placeholder_entries(OLLAMA), *map(starter_config.cloud_entry, clouds.CLOUDS)]
    for text in (load.BUILTIN, starter_config.render(entries, allow_paid=True)):
        assert errors(text) == []


@pytest.mark.parametrize(
    "mistake",
    [
        "timeout: 3",
        "kind: ollama",
        f"api_key_env: {KEYS['OpenAI']}",
        "capabilities: {thoughts: true}",
        "cost: {input_per_mtok: -1, output_per_mtok: 1}",
    ],
)
def test_a_mistake_in_a_provider_is_an_error(mistake: str) -> None:
    assert errors(LEAST) == []
    assert errors(LEAST.replace("model: m", f"model: m, {mistake}"))


def test_only_kinds_without_an_address_need_none() -> None:
    assert errors("providers: [{name: e, kind: echo}]\nprofiles: [{name: default, providers: [e]}]") == []
    assert errors("providers: [{name: e}]\nprofiles: [{name: default, providers: [e]}]")


def test_every_field_is_described() -> None:
    def fields(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(node, dict):
            yield from node.get("properties", {}).items()
            for key, inner in node.items():
                if key != "if":
                    yield from fields(inner)
        elif isinstance(node, list):
            for inner in node:
                yield from fields(inner)

    assert [name for name, field in fields(SHIPPED) if not field.get("description")] == []


def test_a_file_from_init_names_the_schema_in_its_first_line() -> None:
    [first, *_] = starter_config.render(
        starter_config.placeholder_entries(OLLAMA), allow_paid=False
    ).splitlines()
    uri = first.removeprefix("# yaml-language-server: $schema=")
    assert uri == config_schema.PATH.absolute().as_uri()
