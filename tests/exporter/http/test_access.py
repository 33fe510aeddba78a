"""A web configuration in a running exporter: TLS, client certificates, passwords, headers, and changes of its files."""

import base64
import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt
import pytest
import trustme

from support.exporter.process import CR_EXPORTER, samples
from support.processes import Command, clean_environment, eventually, running

pytestmark = pytest.mark.slow

PASSWORD = "correct horse"
HASHED = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
PATHS = ["/", "/metrics", "/metrics.json", "/-/healthy", "/-/ready", "/no-such-page"]
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
USERS = f"basic_auth_users:\n  prometheus: {HASHED}\n"
KEPT = "keeping the previous web configuration:\n"


class Served:
    """A running exporter with a web configuration, as clients see it."""

    def __init__(self, command: Command) -> None:
        self.command = command
        url = command.wait_for_output(r"serving (https?)://127\.0\.0\.1:(\d+)/metrics")
        self.scheme, self.port = url[1], int(url[2])

    def get(
        self, path: str, trusting: ssl.SSLContext | None = None, authorization: str | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        if trusting:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                "localhost", self.port, timeout=10, context=trusting
            )
        else:
            connection = http.client.HTTPConnection("localhost", self.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Authorization": authorization} if authorization else {})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def status(self, authorization: str | None = None, trusting: ssl.SSLContext | None = None) -> int:
        return self.get("/-/healthy", trusting, authorization)[0].status


@contextmanager
def serving(folder: Path, text: str) -> Iterator[Served]:
    (folder / "web.yml").write_text(text)
    arguments = ("--events", folder / "events.jsonl", "--state", folder / "db", "--listen", "127.0.0.1:0")
    env = clean_environment(CR_EXPORTER_WEB_CONFIG_FILE=str(folder / "web.yml"))
    with running(CR_EXPORTER, *arguments, env=env) as command:
        yield Served(command)


def issue(ca: trustme.CA, folder: Path) -> None:
    """Put a new certificate and its key where the configuration names them."""
    issued = ca.issue_cert("localhost")
    issued.private_key_pem.write_to_path(folder / "server.key")
    (folder / "server.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))


def trusting(ca: trustme.CA, client: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    if client is not None:
        client.configure_cert(context)
    return context


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture
def ca(tmp_path: Path) -> trustme.CA:
    ca = trustme.CA()
    issue(ca, tmp_path)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    return ca


def refuses(served: Served, context: ssl.SSLContext) -> bool:
    """Return whether a connection is refused; with TLS 1.3 a client notices only after its handshake."""
    try:
        served.get("/-/healthy", context)
    except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
        return True
    return False


def test_passwords_protect_every_path(tmp_path: Path) -> None:
    with serving(tmp_path, USERS) as served:
        for path in PATHS:
            response, body = served.get(path)
            assert (response.status, body) == (401, b"Unauthorized\n")
            assert response.getheader("WWW-Authenticate") == 'Basic realm="cr-exporter"'
        right = basic("prometheus", PASSWORD)
        assert [served.status(right) for _ in range(3)] == [200] * 3
        response, body = served.get("/metrics", authorization=right)
        assert samples(body.decode())["cr_exporter_exact", ()] == 1


@pytest.mark.parametrize(
    "authorization",
    [
        basic("prometheus", "wrong"),
        basic("prometheus", ""),
        basic("prometheus", PASSWORD + "\0"),
        basic("prometheus", "x" * 100),
        basic("nobody", PASSWORD),
        basic("", PASSWORD),
        f"Bearer {PASSWORD}",
        "Basic",
        "Basic not-base64!",
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
    ],
)
def test_a_wrong_password_is_refused_before_and_after_the_correct_one(
    authorization: str, passwords: Served
) -> None:
    assert passwords.status(authorization) == 401
    assert passwords.status(basic("prometheus", PASSWORD)) == 200
    assert passwords.status(authorization) == 401


@pytest.fixture(scope="module")
def passwords(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("passwords"), USERS) as served:
        yield served


def test_users_change_without_a_restart_and_an_invalid_file_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    right, other = basic("prometheus", PASSWORD), basic("alice", "her password")
    with serving(tmp_path, USERS) as served:
        assert (served.status(right), served.status(other)) == (200, 401)

        hashed = bcrypt.hashpw(b"her password", bcrypt.gensalt(4)).decode()
        file.write_text(f"basic_auth_users:\n  alice: {hashed}\n")
        assert (served.status(right), served.status(other)) == (401, 200)

        file.write_text("basic_auth_user:\n  alice: x\n")
        assert [served.status(other) for _ in range(3)] == [200] * 3
        assert served.status(right) == 401
        assert served.command.stderr.count(KEPT) == 1
        assert f"{file}:1: basic_auth_user: is not a known field" in served.command.stderr

        file.unlink()
        assert served.status(other) == 200
        file.write_text(USERS)
        assert (served.status(right), served.status(other)) == (200, 401)


def test_a_cached_password_is_forgotten_when_its_hash_changes(tmp_path: Path) -> None:
    right = basic("prometheus", PASSWORD)
    with serving(tmp_path, USERS) as served:
        assert served.status(right) == 200
        hashed = bcrypt.hashpw(b"another", bcrypt.gensalt(4)).decode()
        (tmp_path / "web.yml").write_text(f"basic_auth_users:\n  prometheus: {hashed}\n")
        assert served.status(right) == 401
        assert served.status(basic("prometheus", "another")) == 200


def test_headers_are_in_every_response(tmp_path: Path) -> None:
    headers = "http_server_config: {http2: true, headers: {X-Frame-Options: deny, X-XSS-Protection: ''}}\n"
    with serving(tmp_path, headers + USERS) as served:
        for authorization in (None, basic("prometheus", PASSWORD)):
            response, _ = served.get("/metrics", authorization=authorization)
            assert response.getheader("X-Frame-Options") == "deny"
            assert response.getheader("X-XSS-Protection") is None


def test_tls_is_spoken_and_plain_http_is_not(tmp_path: Path, ca: trustme.CA) -> None:
    with serving(tmp_path, TLS + USERS) as served:
        assert served.scheme == "https"
        assert served.status(None, trusting(ca)) == 401
        assert served.status(basic("prometheus", PASSWORD), trusting(ca)) == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            served.status(None, trusting(trustme.CA()))
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            served.get("/metrics")
        old = trusting(ca)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert served.status(None, old) == 401

        (tmp_path / "web.yml").write_text(f"{TLS}  min_version: TLS13\n")
        assert refuses(served, old)
        assert served.status(None, trusting(ca)) == 200


def test_a_client_needs_a_certificate_where_one_is_required(tmp_path: Path, ca: trustme.CA) -> None:
    required = f"{TLS}  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"
    known, stranger = ca.issue_cert("scraper"), trustme.CA().issue_cert("scraper")
    with serving(tmp_path, required) as served:
        assert refuses(served, trusting(ca))
        assert refuses(served, trusting(ca, stranger))
        assert served.status(None, trusting(ca, known)) == 200

        (tmp_path / "web.yml").write_text(f"{required}  client_allowed_sans: [scraper]\n")
        assert served.status(None, trusting(ca, known)) == 200
        assert refuses(served, trusting(ca, ca.issue_cert("another")))

        (tmp_path / "web.yml").write_text(
            required.replace("RequireAnd", "").replace("Cert\n", "CertIfGiven\n")
        )
        assert served.status(None, trusting(ca)) == 200
        assert refuses(served, trusting(ca, stranger))


def test_a_new_certificate_is_loaded_without_a_restart_once_its_key_matches(
    tmp_path: Path, ca: trustme.CA
) -> None:
    following = trustme.CA()
    issued = following.issue_cert("localhost")
    with serving(tmp_path, TLS) as served:
        assert served.status(None, trusting(ca)) == 200

        (tmp_path / "server.pem").write_bytes(issued.cert_chain_pems[0].bytes())
        assert served.status(None, trusting(ca)) == 200
        eventually(lambda: KEPT in served.command.stderr)
        assert "web.yml:1: tls_server_config: certificate and key cannot be used" in served.command.stderr

        issued.private_key_pem.write_to_path(tmp_path / "server.key")
        assert served.status(None, trusting(following)) == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            served.status(None, trusting(ca))
        assert served.command.stderr.count(KEPT) == 1


def test_a_certificate_that_appears_after_the_file_that_names_it_is_loaded(
    tmp_path: Path, ca: trustme.CA
) -> None:
    following = trustme.CA()
    with serving(tmp_path, TLS) as served:
        (tmp_path / "web.yml").write_text(TLS.replace("server.", "next/server."))
        assert served.status(None, trusting(ca)) == 200

        (tmp_path / "next").mkdir()
        issue(following, tmp_path / "next")
        assert served.status(None, trusting(following)) == 200


def test_tls_is_not_turned_off_by_a_changed_file(tmp_path: Path, ca: trustme.CA) -> None:
    with serving(tmp_path, TLS) as served:
        (tmp_path / "web.yml").write_text(USERS)
        assert served.status(None, trusting(ca)) == 200
        served.command.wait_for_output("turning TLS off requires a restart")


def test_a_file_with_errors_fails_the_start(tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text(f"{TLS}wrong: 1\n")
    arguments = ("--events", tmp_path / "e", "--state", tmp_path / "db", "--web.config.file", file)
    with running(CR_EXPORTER, *arguments) as command:
        assert command.wait() == 3
        missing = "cannot be read: No such file or directory"
        sections = "basic_auth_users, http_server_config, tls_server_config"
        assert command.stderr.splitlines() == [
            f"cr-exporter: {file}:2: tls_server_config.cert_file: {tmp_path}/server.pem {missing}",
            f"cr-exporter: {file}:3: tls_server_config.key_file: {tmp_path}/server.key {missing}",
            f"cr-exporter: {file}:4: wrong: is not a known field; known fields: {sections}",
        ]
