"""A real Prometheus scrapes over TLS with a client certificate and a password, through a change of both."""

from pathlib import Path

import bcrypt
import trustme

from support.exporter.process import CR_EXPORTER, append, tried
from support.processes import clean_environment, eventually, running
from support.prometheus.server import running_prometheus

WEB_CONFIG = """\
tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
basic_auth_users:
  prometheus: {hashed}
"""


def test_prometheus_scrapes_with_a_certificate_and_a_password_that_change(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    _write(ca.issue_cert("127.0.0.1"), tmp_path / "server")
    _write(ca.issue_cert("prometheus"), tmp_path / "client")
    _set_password(tmp_path, "one")
    path = tmp_path / "events.jsonl"
    arguments = ("--events", path, "--state", tmp_path / "db", "--listen", "127.0.0.1:0")
    env = clean_environment(CR_EXPORTER_WEB_CONFIG_FILE=str(tmp_path / "web.yml"))
    with running(CR_EXPORTER, *arguments, env=env) as exporter:
        port = int(exporter.wait_for_output(r"serving https://127\.0\.0\.1:(\d+)/metrics")[1])
        scrape = {
            "job_name": "coderouter",
            "scrape_interval": "1s",
            "scheme": "https",
            "tls_config": {
                "ca_file": str(tmp_path / "ca.pem"),
                "cert_file": str(tmp_path / "client.pem"),
                "key_file": str(tmp_path / "client.key"),
            },
            "basic_auth": {"username": "prometheus", "password_file": str(tmp_path / "password")},
            "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
        }
        with running_prometheus(tmp_path / "tsdb", [scrape]) as prometheus:
            append(path, tried())
            eventually(lambda: prometheus.query("sum(coderouter_requests_total)") == {(): 1.0})

            _write(ca.issue_cert("127.0.0.1"), tmp_path / "server")
            _set_password(tmp_path, "two")
            append(path, tried())
            eventually(lambda: prometheus.query("sum(coderouter_requests_total)") == {(): 2.0})


def _write(issued: trustme.LeafCert, name: Path) -> None:
    issued.private_key_pem.write_to_path(name.with_suffix(".key"))
    issued.cert_chain_pems[0].write_to_path(name.with_suffix(".pem"))


def _set_password(folder: Path, password: str) -> None:
    """Set it on both sides; Prometheus reads its file for each scrape, so only scrapes in between fail."""
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    (folder / "password").write_text(password)
    (folder / "web.yml").write_text(WEB_CONFIG.format(hashed=hashed))
