"""Reads a web configuration file, in the format that Prometheus and its exporters share (exporter-toolkit).

YAML nodes are read instead of plain values, so that each error knows its line. The exporter stays small without
pydantic, which reads the proxy's configuration.
"""

import re
import ssl
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from coderouter_events.reasons import reason_of
from coderouter_exporter.http.tls import CIPHERS, CIPHERS_OF_TLS13, CLIENT_CERTIFICATES, CURVES, TLS, VERSIONS

HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""Headers that may be set, with their allowed values; an empty tuple allows any."""
BCRYPT = re.compile(r"\$2[abxy]?\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")
SENDABLE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
INSTEAD = {
    "cert": "write cert_file",
    "key": "write key_file",
    "client_ca": "write client_ca_file",
    "rate_limit": "leave it out",
    "RequestClientCert": "write VerifyClientCertIfGiven",
    "RequireAnyClientCert": "write RequireAndVerifyClientCert",
}
"""What is not supported, and what to write instead.

Python's TLS loads certificates from files only, and verifies every client certificate that it requests.
"""
NULL = "tag:yaml.org,2002:null"
BOOL = "tag:yaml.org,2002:bool"

Read = Callable[[yaml.Node, str], Any]
"""Returns the value of a node, given its key path, or raises `_Invalid`."""


class WebConfigErrors(Exception):
    """The file cannot be used. `str()` has one line for each error; `files` are those that were read."""

    def __init__(self, errors: Iterable[str], files: Iterable[Path]) -> None:
        super().__init__("\n".join(errors))
        self.files = tuple(files)


@dataclass(frozen=True, kw_only=True)
class WebConfig:
    tls: TLS | None = None
    context: ssl.SSLContext | None = None
    users: Mapping[str, bytes] = field(default_factory=dict)
    """The bcrypt hash of each user's password. Without users, no password is required."""
    headers: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...]
    """Every file that was read."""


def read(path: Path) -> WebConfig:
    """Return the configuration, with its certificates loaded.

    Raises:
        WebConfigErrors: with every error of the file.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise WebConfigErrors([f"{path}: cannot be read: {reason_of(error)}"], [path]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise WebConfigErrors(
            [f"{path}{line}: is not YAML: {error.problem or error.context}"], [path]
        ) from None
    except yaml.YAMLError as error:
        raise WebConfigErrors([f"{path}: is not YAML: {error}"], [path]) from None
    reader = _Reader(path)
    config = reader.read(node)
    if reader.errors or config is None:
        raise WebConfigErrors(
            (f"{path}:{line}: {message}" for line, message in sorted(reader.errors)), reader.files
        )
    return config


class _Reader:
    """Reads one file and collects its errors."""

    def __init__(self, path: Path) -> None:
        self.files = [path]
        self.errors: list[tuple[int, str]] = []
        self._folder = path.parent

    def read(self, node: yaml.Node | None) -> WebConfig | None:
        """Return the configuration; None when it has errors."""
        sections: dict[str, Read] = {
            "tls_server_config": self._tls,
            "http_server_config": self._http,
            "basic_auth_users": self._users,
            "rate_limit": _unsupported,
        }
        found = self._value(self._mapping(sections), node, "") if node is not None else {}
        if self.errors:
            return None
        tls, context = found.get("tls_server_config", (None, None))
        return WebConfig(
            tls=tls,
            context=context,
            users=found.get("basic_auth_users", {}),
            headers=found.get("http_server_config", {}).get("headers", {}),
            files=tuple(self.files),
        )

    def _tls(self, node: yaml.Node, key_path: str) -> tuple[TLS, ssl.SSLContext] | None:
        fields: dict[str, Read] = {
            "cert_file": self._file,
            "key_file": self._file,
            "client_ca_file": self._file,
            "client_auth_type": _one_of(CLIENT_CERTIFICATES),
            "client_allowed_sans": self._each(_text),
            "min_version": _one_of(VERSIONS),
            "max_version": _one_of(VERSIONS),
            "cipher_suites": self._each(_one_of((*CIPHERS, *CIPHERS_OF_TLS13))),
            "prefer_server_cipher_suites": _boolean,
            "curve_preferences": self._each(_one_of(CURVES)),
            **dict.fromkeys(("cert", "key", "client_ca"), _unsupported),
        }
        before = len(self.errors)
        found = self._mapping(fields)(node, key_path)
        if len(self.errors) > before:
            return None
        if missing := [name for name in ("cert_file", "key_file") if name not in found]:
            raise _Invalid(f"requires {' and '.join(missing)}")
        tls = TLS(**found)
        if errors := list(_inconsistencies(tls)):
            raise _Invalid("; ".join(errors))
        try:
            return tls, tls.context()
        except (OSError, ValueError) as error:
            raise _Invalid(f"certificate and key cannot be used: {reason_of(error)}") from None

    def _http(self, node: yaml.Node, key_path: str) -> dict[str, Any]:
        headers = self._mapping({name: _header(values) for name, values in HEADERS.items()})

        def sent(inner: yaml.Node, inner_path: str) -> dict[str, str]:
            return {name: value for name, value in headers(inner, inner_path).items() if value}

        found: dict[str, Any] = self._mapping({"http2": _boolean, "headers": sent})(node, key_path)
        return found

    def _users(self, node: yaml.Node, key_path: str) -> dict[str, bytes]:
        found: dict[str, bytes] = self._mapping(None)(node, key_path)
        return found

    def _file(self, node: yaml.Node, key_path: str) -> Path:
        path = self._folder / _text(node, key_path)
        self.files.append(path)
        try:
            path.open("rb").close()
        except OSError as error:
            raise _Invalid(f"{path} cannot be read: {error.strerror}") from None
        return path

    def _mapping(self, fields: Mapping[str, Read] | None) -> Read:
        """Return a reader of a mapping with these fields; without `fields`, every key is a user's name."""
        known = ", ".join(sorted(name for name in fields or () if name not in INSTEAD))

        def read_fields(node: yaml.Node, key_path: str) -> dict[str, Any]:
            if not isinstance(node, yaml.MappingNode):
                raise _Invalid("is not a mapping; write `key: value` lines")
            found: dict[str, Any] = {}
            for key, value in node.value:
                name = str(self._value(_text, key, key_path))
                inner = f"{key_path}.{name}" if key_path else name
                reads = _hash if fields is None else fields.get(name)
                if name in found:
                    self._add_error(key, inner, "is duplicated; the first value would be ignored")
                elif reads is None:
                    self._add_error(key, inner, f"is not a known field; known fields: {known}")
                elif value.tag != NULL or fields is None:  # a user without a hash is an error, not left out
                    found[name] = self._value(reads, value, inner, key)
            return found

        return read_fields

    def _each(self, reads: Read) -> Read:
        def read_list(node: yaml.Node, key_path: str) -> tuple[Any, ...]:
            if not isinstance(node, yaml.SequenceNode):
                raise _Invalid("is not a list; write `- ` before each value")
            return tuple(
                self._value(reads, value, f"{key_path}[{index}]") for index, value in enumerate(node.value)
            )

        return read_list

    def _value(self, reads: Read, node: yaml.Node, key_path: str, at: yaml.Node | None = None) -> Any:  # noqa: ANN401
        """Return the value of the node; None when it is invalid, an error with the line of `at` or its own."""
        try:
            return reads(node, key_path)
        except _Invalid as invalid:
            self._add_error(at or node, key_path, str(invalid))

    def _add_error(self, node: yaml.Node, key_path: str, message: str) -> None:
        self.errors.append((node.start_mark.line + 1, f"{key_path}: {message}" if key_path else message))


class _Invalid(Exception):
    """A node has no valid value; the message says what to write instead."""


def _text(node: yaml.Node, _: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _Invalid("is not a string")
    return str(node.value)


def _boolean(node: yaml.Node, _: str) -> bool:
    if node.tag != BOOL:
        raise _Invalid("is neither true nor false; set it to one of them")
    return str(node.value).lower() in ("true", "yes", "on")


def _hash(node: yaml.Node, key_path: str) -> bytes:
    text = _text(node, key_path)
    if not BCRYPT.fullmatch(text):
        raise _Invalid("is not a bcrypt hash; create one with: htpasswd -nBC 10 NAME")
    return text.encode()


def _unsupported(_: yaml.Node, key_path: str) -> None:
    raise _Invalid(f"is not supported here; {INSTEAD[key_path.rpartition('.')[2]]}")


def _one_of(names: Collection[str]) -> Read:
    def read_name(node: yaml.Node, key_path: str) -> str:
        text = _text(node, key_path)
        if text not in names:
            instead = INSTEAD.get(text) or f"write {' or '.join(names)}"
            raise _Invalid(f"is {text!r}; {instead}")
        return text

    return read_name


def _header(values: tuple[str, ...]) -> Read:
    def read_value(node: yaml.Node, key_path: str) -> str:
        text = _text(node, key_path)
        if values and text and text.lower() not in values:
            raise _Invalid(f"is {text!r}; write {' or '.join(values)}")
        if not SENDABLE.fullmatch(text):
            raise _Invalid("contains characters that are not allowed in a header")
        return text

    return read_value


def _inconsistencies(tls: TLS) -> Iterable[str]:
    """Yield the errors between fields."""
    checks = tls.client_auth_type != "NoClientCert"
    if checks and tls.client_ca_file is None:
        yield f"{tls.client_auth_type} requires client_ca_file; add it"
    if tls.client_ca_file is not None and not checks:
        yield "client_ca_file has no effect without client_auth_type; write RequireAndVerifyClientCert"
    if tls.client_allowed_sans and tls.client_auth_type != "RequireAndVerifyClientCert":
        yield "client_allowed_sans requires client_auth_type: RequireAndVerifyClientCert"
    if VERSIONS[tls.min_version] > VERSIONS[tls.max_version]:
        yield f"min_version {tls.min_version} is above max_version {tls.max_version}"
    if len(tls.curve_preferences) > 1:
        yield "curve_preferences has several values; Python's TLS supports one"
