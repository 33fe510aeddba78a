"""Print the JSON schema of providers.yaml, for editors: `make docs`. A test fails if the shipped one differs."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from coderouter_proxy.config import schema
from coderouter_proxy.config.kinds import PROVIDER_KINDS
from coderouter_proxy.config.section import field_descriptions
from coderouter_proxy.config.values import VARIABLE_PATTERN
from coderouter_proxy.init import starter_config

PATH = starter_config.schema_path()


def text() -> str:
    """Return the schema as it is shipped."""
    return json.dumps(generated(), indent=2, ensure_ascii=False) + "\n"


def generated() -> dict[str, Any]:
    """Return what pydantic derives from the models, and what their validators add to it."""
    document: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "providers.yaml of CodeRouter",
        **_without_titles(schema.Config.model_json_schema()),
    }
    sections = {"Config": document, **document["$defs"]}
    for model in _sections():
        properties = sections[model.__name__]["properties"]
        for name, described in field_descriptions(model).items():
            properties[name]["description"] = described.replace("`", "").replace("; see below.", ".")
    _add_validators(document["$defs"])
    return document


def _sections(model: type[BaseModel] = schema.Config) -> Iterator[type[BaseModel]]:
    def inside(annotation: object) -> Iterator[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _sections(annotation)
        for inner in getattr(annotation, "__args__", ()):
            yield from inside(inner)

    yield model
    for field in model.model_fields.values():
        yield from inside(field.annotation)


def _add_validators(defs: dict[str, Any]) -> None:
    provider = defs["Provider"]
    provider["properties"]["kind"]["enum"] = list(PROVIDER_KINDS)
    alone = [kind.name for kind in PROVIDER_KINDS.values() if not kind.needs_address]
    provider["required"] = ["name"]
    provider["if"] = {"properties": {"kind": {"enum": alone}}, "required": ["kind"]}
    provider["else"] = {"required": ["base_url", "model"]}
    provider["properties"]["base_url"]["pattern"] = "^(https?://[^?#]+)?$"
    choices = defs["Server"]["properties"]["api_keys_env"]["anyOf"]
    [variable] = [each for each in choices if each.get("type") == "string"]
    variable |= {"pattern": VARIABLE_PATTERN}
    match = defs["Match"]
    match |= {"minProperties": 1}
    for properties in match["properties"].values():
        for choice in properties["anyOf"]:
            if choice == {"type": "boolean"}:
                choice.clear()
                choice["const"] = True


def _without_titles(node: Any) -> Any:
    """Return the schema without the titles that pydantic makes of names; editors would show them as well."""
    if isinstance(node, dict):
        return {
            key: _without_titles(inner)
            for key, inner in node.items()
            if not (key == "title" and isinstance(inner, str))
        }
    return [_without_titles(inner) for inner in node] if isinstance(node, list) else node
