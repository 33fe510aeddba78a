"""The usual mistakes of a first user: each is answered with one sentence that names the cure."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.disk import small_disk
from support.exporter.process import CR_EXPORTER, running_exporter
from support.processes import clean_environment, free_port, running
from support.programs import program
from support.proxy import process
from support.proxy.process import failed_start, serving
from support.proxy.upstream import Provider, Upstream, whole
from support.proxy.upstream import serving as upstream_serving
from support.run_command import coderouter, run

KEY = "sk-abcdefghijklmnopqrstuvwxyz0123456789"
MODELS = whole({"object": "list", "data": [{"id": "a-model", "owned_by": "library"}]})
ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with upstream_serving() as server:
        yield server


@pytest.fixture
def a(upstream: Upstream) -> Provider:
    provider = upstream.provider("a")
    provider.plays(always=MODELS)
    return provider


def doctor(folder: Path, *options: str, base_url: str | None = None, **provider: object) -> str:
    """Return what the doctor says about one provider, where no proxy and no exporter runs."""
    if base_url is not None:
        entry = process.provider("a", base_url, **provider)
        process.write_config(folder, process.config([entry]))
    nowhere = f"http://127.0.0.1:{free_port()}"
    urls = ("--proxy-url", nowhere, "--exporter-url", nowhere)
    return coderouter(folder, "doctor", *urls, *options).stdout


def only(output: str, words: str) -> str:
    """Return the one line that has the words."""
    lines = [line for line in output.splitlines() if words in line]
    assert len(lines) == 1, output
    return lines[0]


def test_1_the_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = failed_start(tmp_path, "--port", str(port))
    assert only(
        said, f"port {port} on 127.0.0.1 is in use by another program; stop it, or choose another with --port"
    )


def test_2_the_key_is_wrong(tmp_path: Path, a: Provider) -> None:
    a.plays(always=whole({"error": {"message": "invalid key"}}, status=401))
    process.write_config(tmp_path, process.config([process.provider("a", a.base_url, api_key_env="A_KEY")]))
    said = coderouter(tmp_path, "doctor", env={"A_KEY": KEY}).stdout
    assert only(said, "→ correct the key in A_KEY")
    assert KEY not in said


def test_3_a_key_is_in_the_file(tmp_path: Path) -> None:
    process.write_config(tmp_path, process.config([process.provider("a", "http://x/v1", api_key=KEY)]))
    said = coderouter(tmp_path, "check-config").stderr
    assert only(said, "providers[0].api_key: is not a known field; did you mean api_key_env?")
    assert KEY not in said


def test_4_the_model_is_not_pulled(tmp_path: Path, a: Provider) -> None:
    assert only(
        doctor(tmp_path, base_url=a.base_url, model="larger"),
        "→ ollama pull larger, or use one that is there",
    )


@pytest.mark.parametrize(
    ("path", "cure"),
    [
        ("/chat/completions", "The path begins with /v1; add it to the client's base URL."),
        ("/v1/v1/messages", "The path has /v1 twice; remove it from the client's base URL."),
    ],
)
def test_5_an_agents_base_url_has_v1_twice_or_not_at_all(path: str, cure: str, tmp_path: Path) -> None:
    with serving(tmp_path, process.config([ECHO])) as proxy:
        answer = proxy.post(b"{}", path=path).rest()
    assert answer.status == 404
    assert cure in answer.json["error"]["message"]


def test_5_a_providers_base_url_lacks_v1(tmp_path: Path, a: Provider) -> None:
    a.plays(always=whole(b"404 page not found", status=404))
    root = a.base_url.removesuffix("/v1")
    assert only(doctor(tmp_path, base_url=root), f"→ base_url may lack /v1: {root}/v1")


def test_6_https_for_http(tmp_path: Path) -> None:
    with serving(tmp_path, process.config([ECHO])) as plain:
        said = doctor(tmp_path, base_url=f"https://127.0.0.1:{plain.port}/v1")
    assert only(said, f"→ base_url: {plain.url}")


def test_6_https_for_a_server_that_waits_for_more(tmp_path: Path, a: Provider) -> None:
    said = doctor(tmp_path, base_url=a.base_url.replace("http://", "https://"), connect_timeout_s=0.5)
    assert only(said, f"→ base_url: {a.base_url}, if that server has no TLS")


def test_7_there_is_no_ollama(tmp_path: Path) -> None:
    said = doctor(tmp_path, base_url="http://127.0.0.99:11434/v1")
    assert only(said, "→ start Ollama: ollama serve (install it from https://ollama.com)")


def test_8_a_tab_in_the_yaml(tmp_path: Path) -> None:
    process.write_config(tmp_path, "providers:\n\t- name: a\n")
    said = coderouter(tmp_path, "check-config").stderr
    assert only(said, "providers.yaml:2: is not YAML: ").endswith("; indent with spaces instead of tabs")


def test_9_a_field_is_misspelt(tmp_path: Path) -> None:
    process.write_config(tmp_path, process.config([process.provider("a", "http://x/v1", timeout=5)]))
    said = coderouter(tmp_path, "check-config").stderr
    assert only(said, "providers[0].timeout: is not a known field; did you mean timeout_s?")


def test_10_a_second_proxy(tmp_path: Path) -> None:
    with serving(tmp_path, process.config([ECHO])) as proxy:
        said = failed_start(tmp_path, "--port", str(proxy.port))
    assert only(
        said, f"port {proxy.port} on 127.0.0.1 is in use by a coderouter proxy; stop it, or choose another"
    )


def test_11_a_second_exporter(tmp_path: Path) -> None:
    events, state = tmp_path / "events.jsonl", tmp_path / "exporter.db"
    arguments = ("--events", events, "--state", state, "--listen", "127.0.0.1:0")
    with running_exporter(events, state=state), running(CR_EXPORTER, *arguments) as second:
        assert second.wait() == 3
        assert only(second.stderr, "is in use by another cr-exporter").endswith(
            "stop that one, or give this one a file of its own with --state"
        )


def test_12_the_disk_is_full(tmp_path: Path) -> None:
    path = tmp_path / "disk/events.jsonl"
    with small_disk(path.parent, 64) as disk:
        path.touch()
        disk.fill()
        said = doctor(tmp_path, "--events", str(path))
    assert only(said, "→ free up disk space")


def test_13_the_event_file_belongs_to_somebody_else(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    path = tmp_path / "events.jsonl"
    path.touch(0o644)
    os.chown(path, 65534, 65534)
    unprivileged = (program("setpriv"), "--bounding-set=-dac_override,-dac_read_search")
    command = (*unprivileged, process.CODEROUTER, "doctor", "--events", path)
    said = output(*command, home=tmp_path)
    assert only(
        said, f"→ {path} belongs to nobody: sudo chown -R root {tmp_path}, or name another file with --events"
    )


def test_14_a_proxy_variable_is_set(tmp_path: Path, a: Provider) -> None:
    process.write_config(tmp_path, process.config([process.provider("a", a.base_url)]))
    said = coderouter(tmp_path, "doctor", env={"http_proxy": f"http://127.0.0.1:{free_port()}"}).stdout
    cure = "start coderouter with NO_PROXY=127.0.0.1,localhost"
    assert only(said, f"→ http_proxy is set, so requests go through that proxy; {cure}")


def test_15_the_clock_is_wrong(tmp_path: Path, a: Provider) -> None:
    a.plays(always=whole({"data": []}, headers={"Date": "Wed, 25 Nov 2020 10:00:00 GMT"}))
    assert only(
        doctor(tmp_path, base_url=a.base_url), "→ set this machine's clock, e.g. timedatectl set-ntp true"
    )


def output(*command: str | Path, home: Path) -> str:
    environment = clean_environment(HOME=str(home))
    return run(command, environment, home).stdout
