"""Every error of a web configuration is reported at once, with its line and what to write instead."""

import ssl
from pathlib import Path

import pytest
import trustme

from coderouter_exporter.http.tls import CIPHERS, CIPHERS_OF_TLS13
from coderouter_exporter.http.web_config import HEADERS, WebConfigErrors, read

HASHED = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"  # from the format's documentation
WHOLE = f"""\
tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  client_allowed_sans: [scraper]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [{", ".join((*CIPHERS, *CIPHERS_OF_TLS13))}]
  prefer_server_cipher_suites: false
  curve_preferences: [X25519]
http_server_config:
  http2: false
  headers:
    Content-Security-Policy: default-src 'self'
    Strict-Transport-Security: max-age=31536000
    X-Content-Type-Options: nosniff
    X-Frame-Options: sameorigin
    X-XSS-Protection:
basic_auth_users:
  prometheus: {HASHED}
"""
TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ca = trustme.CA()
    issued = ca.issue_cert("localhost")
    issued.private_key_pem.write_to_path(tmp_path / "server.key")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "server.pem")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path


def errors(folder: Path, text: str) -> list[str]:
    path = folder / "web.yml"
    path.write_text(text)
    with pytest.raises(WebConfigErrors) as caught:
        read(path)
    return [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]


def test_everything_in_the_format_is_supported(folder: Path) -> None:
    (folder / "web.yml").write_text(WHOLE)
    config = read(folder / "web.yml")
    assert config.users == {"prometheus": HASHED.encode()}
    assert list(config.headers) == [
        "Content-Security-Policy",
        "Strict-Transport-Security",
        "X-Content-Type-Options",
        "X-Frame-Options",
    ]
    assert config.tls is not None
    assert config.tls.client_allowed_sans == ("scraper",)
    assert config.context is not None
    assert config.context.verify_mode is ssl.CERT_REQUIRED
    assert config.context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert {cipher["name"] for cipher in config.context.get_ciphers()} >= set(CIPHERS.values())
    assert not config.context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert [path.name for path in config.files] == ["web.yml", "server.pem", "server.key", "ca.pem"]


@pytest.mark.parametrize("text", ["", "basic_auth_users:\n", "http_server_config: {headers: }\n"])
def test_what_is_left_out_is_off(text: str, folder: Path) -> None:
    (folder / "web.yml").write_text(text)
    config = read(folder / "web.yml")
    assert (config.tls, config.context, config.users, config.headers) == (None, None, {}, {})


def test_all_errors_are_reported_at_once(folder: Path) -> None:
    text = """\
tls_server_config:
  cert_file: missing.pem
  key_file: [server.key]
  min_version: TLS1.2
  client_auth_type: RequireAnyClientCert
  cert: "-----BEGIN"
  prefer_server_cipher_suites: perhaps
  curve_preferences: X25519
http_server_config:
  http3: true
  headers: {X-Frame-Options: never, Server: none}
basic_auth_users:
  alice: her password
  bob:
  alice: twice
rate_limit: {burst: 1}
"""
    assert errors(folder, text) == [
        f"2: tls_server_config.cert_file: {folder}/missing.pem cannot be read: No such file or directory",
        "3: tls_server_config.key_file: is not a string",
        "4: tls_server_config.min_version: is 'TLS1.2'; write TLS10 or TLS11 or TLS12 or TLS13",
        "5: tls_server_config.client_auth_type: is 'RequireAnyClientCert'; write RequireAndVerifyClientCert",
        "6: tls_server_config.cert: is not supported here; write cert_file",
        "7: tls_server_config.prefer_server_cipher_suites: is neither true nor false; set it to one of them",
        "8: tls_server_config.curve_preferences: is not a list; write `- ` before each value",
        "10: http_server_config.http3: is not a known field; known fields: headers, http2",
        f"11: http_server_config.headers.Server: is not a known field; known fields: {', '.join(HEADERS)}",
        "11: http_server_config.headers.X-Frame-Options: is 'never'; write deny or sameorigin",
        "13: basic_auth_users.alice: is not a bcrypt hash; create one with: htpasswd -nBC 10 NAME",
        "14: basic_auth_users.bob: is not a bcrypt hash; create one with: htpasswd -nBC 10 NAME",
        "15: basic_auth_users.alice: is duplicated; the first value would be ignored",
        "16: rate_limit: is not supported here; leave it out",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "tls_server_config: {min_version: TLS12}",
            "1: tls_server_config: requires cert_file and key_file",
        ),
        (f"{TLS}, client_ca_file: ca.pem}}", "client_ca_file has no effect without client_auth_type"),
        (
            f"{TLS}, client_auth_type: VerifyClientCertIfGiven}}",
            "VerifyClientCertIfGiven requires client_ca_file",
        ),
        (f"{TLS}, client_allowed_sans: [a]}}", "client_allowed_sans requires client_auth_type"),
        (f"{TLS}, min_version: TLS13, max_version: TLS12}}", "min_version TLS13 is above max_version TLS12"),
        (f"{TLS}, curve_preferences: [X25519, CurveP256]}}", "has several values; Python's TLS supports one"),
        (f"{TLS}, cipher_suites: [RC4]}}", "cipher_suites[0]: is 'RC4'; write TLS_ECDHE"),
        (
            "tls_server_config: {cert_file: server.pem, key_file: ca.pem}",
            "certificate and key cannot be used",
        ),
        (
            'http_server_config: {headers: {X-XSS-Protection: "a\\nb"}}',
            "contains characters that are not allowed in a header",
        ),
        ("[a, list]", "1: is not a mapping; write `key: value` lines"),
        ("{[a]: b}", "1: is not a string"),
        ("a: [", "is not YAML"),
        ("a: \x01", "is not YAML"),
    ],
)
def test_an_error_says_what_is_wrong_or_what_to_write(text: str, error: str, folder: Path) -> None:
    assert error in "\n".join(errors(folder, text))


def test_no_error_shows_a_password(folder: Path) -> None:
    assert "hunter2" not in "".join(errors(folder, "basic_auth_users: {alice: hunter2}"))
