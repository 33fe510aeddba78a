"""The tools of a request: their names, and arguments that have the types of their schemas."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import orjson

from coderouter_proxy.relay.tool_calls.lookahead import TextualCall
from coderouter_proxy.relay.tool_calls.values import UNREADABLE, read_strictly, value_in

Schema: TypeAlias = Mapping[str, Any]

_DEPTH_MAX = 12
_NAMESPACES: Final = ("functions.", "function.", "default_api.", "tools.", "tool.")
_SUFFIX = re.compile(r"(?::\d{1,4}|\.call)\Z")  # Kimi numbers its calls, Llama 3 calls methods
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
_BOOLEANS = {"true": True, "false": False}
_NULLS = frozenset({"null", "none"})


class Tools:
    """The tools that a call may name."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        """Take the JSON schema of the arguments by the name that the model knows."""
        self._schemas = schemas

    @property
    def initials(self) -> str:
        """The characters with which the names begin."""
        return "".join(sorted({name[0] for name in self._schemas if name}))

    def __bool__(self) -> bool:
        return bool(self._schemas)

    def named(self, written: str) -> str | None:
        """Return the name of the tool that is meant, if there is one."""
        name = written.strip().strip("\"'")
        for namespace in ("", *_NAMESPACES):
            if name.startswith(namespace):
                bare = name[len(namespace) :]
                for candidate in (bare, _SUFFIX.sub("", bare)):
                    if candidate in self._schemas:
                        return candidate
        return None

    def parameters(self, name: str) -> Mapping[str, Any]:
        """Return the schemas of a tool's parameters by their names; none if it does not declare any."""
        return _properties(self._schemas[name], self._schemas[name], 0)

    def has_required(self, name: str, given: Mapping[str, object]) -> bool:
        required = self._schemas[name].get("required")
        return all(key in given for key in required) if isinstance(required, list) else True

    def call(self, name: str, arguments: Mapping[str, object]) -> TextualCall | None:
        """Return a call whose arguments were written with types; none if they cannot be JSON."""
        return self._call(
            name, {key: _fitted(value, *self._of(name, key)) for key, value in arguments.items()}
        )

    def call_of_texts(self, name: str, texts: Mapping[str, object]) -> TextualCall | None:
        """Return a call whose arguments were written as plain text, or as objects and lists of it."""
        arguments = {
            key: _typed(value, *self._of(name, key))
            if isinstance(value, str)
            else _fitted(value, *self._of(name, key), are_texts=key in self.parameters(name))
            for key, value in texts.items()
        }
        return self._call(name, arguments)

    def _of(self, name: str, key: str) -> tuple[Schema, Schema]:
        root = self._schemas[name]
        found = _properties(root, root, 0).get(key, root.get("additionalProperties"))
        return (found if isinstance(found, dict) else {}), root

    def _call(self, name: str, arguments: dict[str, object]) -> TextualCall | None:
        try:
            return TextualCall(name, orjson.dumps(arguments).decode())
        except (
            orjson.JSONEncodeError
        ):  # a lone surrogate, an integer of more than 64 bits, or nested too deeply
            return None


def is_schema(arguments: Mapping[str, object]) -> bool:
    """Return whether these are the schema of a tool's parameters, as in a list of tools, not arguments."""
    return arguments.get("type") == "object" and isinstance(arguments.get("properties"), dict)


def _properties(schema: Schema, root: Schema, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for branch in _branches(schema, root, depth):
        properties = branch.get("properties")
        if isinstance(properties, dict):
            found |= properties
    return found


def _branches(schema: Schema, root: Schema, depth: int) -> Iterator[Schema]:
    """Yield the schema and those that it is made of: references, alternatives, parts."""
    if depth > _DEPTH_MAX:
        return
    yield schema
    inner = [schema[key] for key in ("anyOf", "oneOf", "allOf") if isinstance(schema.get(key), list)]
    if isinstance(reference := schema.get("$ref"), str):
        inner.append([_referenced(reference, root)])
    for branch in (branch for branches in inner for branch in branches[:32]):
        if isinstance(branch, dict):
            yield from _branches(branch, root, depth + 4)


def _referenced(reference: str, root: Schema) -> object:
    at: object = root
    for key in reference.removeprefix("#").strip("/").split("/")[:_DEPTH_MAX]:
        at = at.get(key) if isinstance(at, dict) else None
    return at


def _types(schema: Schema, root: Schema) -> list[str]:
    """Return the names of the types that the schema allows, in its order; none if it allows any."""
    types: list[str] = []
    for branch in _branches(schema, root, 0):
        declared = branch.get("type")
        if isinstance(declared, str):
            types.append(declared)
        elif isinstance(declared, list):
            types += [name for name in declared if isinstance(name, str)]
        elif isinstance(
            allowed := branch.get("enum", [branch["const"]] if "const" in branch else None), list
        ):
            types += [_TYPES.get(type(value), "null") for value in allowed[:32]]
        elif isinstance(branch.get("properties"), dict):
            types.append("object")
    return [*dict.fromkeys(types)]


def _typed(text: str, schema: Schema, root: Schema) -> object:
    """Return the value that a text is by the schema; the text itself if the schema says nothing else."""
    types = _types(schema, root)
    stripped = text.strip()
    if "null" in types and stripped.lower() in _NULLS:
        return None
    if not types or "array" in types or "object" in types:
        value = value_in(stripped) if types and "string" not in types else read_strictly(stripped)
        if isinstance(value, (dict, list)) and (not types or _TYPES[type(value)] in types):
            return _fitted(value, schema, root)
    for name in types:
        if name == "string":
            return text
        value = _scalar(stripped, name)
        if value is not UNREADABLE:
            return value
    return text


def _scalar(text: str, kind: str) -> object:
    if kind == "boolean":
        return _BOOLEANS.get(text.lower(), UNREADABLE)
    if kind in ("integer", "number") and len(text) < 64 and _NUMBER.fullmatch(text):
        value = float(text)
        if text.lstrip("-+").isdigit():
            return int(text)
        if math.isfinite(value) and (kind == "number" or value.is_integer()):
            return int(value) if kind == "integer" else value
    return UNREADABLE


def _fitted(
    value: object, schema: Schema, root: Schema, depth: int = 0, *, are_texts: bool = False
) -> object:
    """Return a JSON value with the type that the schema asks for, if it can be that without loss.

    With `are_texts`, strings in it have no type of their own.
    """
    types = _types(schema, root)
    if are_texts and types and isinstance(value, str):
        return _typed(value, schema, root)
    kind = _TYPES.get(type(value), "null")
    if depth > _DEPTH_MAX:
        return value
    if types and kind not in types and not (kind == "integer" and "number" in types):
        if isinstance(value, str):
            return _typed(value, schema, root)
        if isinstance(value, float) and "integer" in types and value.is_integer():
            return int(value)
        if "string" in types and value is not None:
            return orjson.dumps(value).decode()
        return value
    if isinstance(value, dict):
        inner = _properties(schema, root, 0)
        return {
            key: _fitted(one, _schema(inner.get(key)), root, depth + 1, are_texts=are_texts)
            for key, one in value.items()
        }
    if isinstance(value, list):
        items = next((branch["items"] for branch in _branches(schema, root, 0) if "items" in branch), None)
        return [_fitted(one, _schema(items), root, depth + 1, are_texts=are_texts) for one in value]
    return value


def _schema(found: object) -> Schema:
    return found if isinstance(found, dict) else {}
