"""What deploy/ ships for other programs: it passes their own checkers and agrees with the code."""

import os
import re
import subprocess
import tomllib
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import kubernetes_validate
import pytest
import yaml

from coderouter_events.events import ENVELOPE, EVENTS, Event
from coderouter_proxy.config import load
from support.processes import SCRIPTS
from support.programs import program
from support.scratch import REPOSITORY, ScratchRoot
from support.systemd.units import Unit

DEPLOY = REPOSITORY / "deploy"
SYSTEM_UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
EXPOSURE_MAX = 2.0
COLUMN_TYPES = {str: "String", int: "Int64", float: "Float64", bool: "Bool"}


def scripts() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    files = [REPOSITORY / name for name in listed.splitlines()]
    return [path for path in files if path.is_file() and path.read_bytes().startswith(b"#!/bin/sh")]


def checked(*command: str | Path) -> str:
    """Run a checker, which has to exit with 0, and return its output."""
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    output = ended.stdout + ended.stderr
    assert ended.returncode == 0, output
    return output


def test_shell_scripts_stop_at_the_first_error_and_pass_shellcheck() -> None:
    found = scripts()
    assert {"install", "uninstall", "make-app", "system-programs"} <= {path.name for path in found}
    for script in found:
        assert "\nset -eu\n" in script.read_text(), script
    assert checked(SCRIPTS / "shellcheck", "--external-sources", *found, DEPLOY / "layout") == ""


@pytest.mark.parametrize("path", SYSTEM_UNITS, ids=lambda path: path.name)
def test_services_have_a_low_exposure_level(path: Path) -> None:
    output = checked(program("systemd-analyze"), "security", "--offline=yes", "--no-pager", path)
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", output)
    assert exposure
    assert float(exposure[1]) <= EXPOSURE_MAX


def test_everything_that_services_install_has_hashes_and_the_pinned_version() -> None:
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)$", (DEPLOY / "constraints.txt").read_text(), re.MULTILINE))
    by_name = {normalised(name): version for name, version in pinned.items()}
    text = (DEPLOY / "requirements.txt").read_text()
    hashes = r"((?: \\\n    --hash=sha256:[0-9a-f]{64})+)"
    required = re.findall(rf"^([\w.-]+)==(\S+)(?: ; [^\\\n]+)?{hashes}$", text, re.MULTILINE)
    assert len(required) == text.count("==")
    for name, version, _ in required:
        assert by_name.get(name, version) == version, name
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    installed = project["dependencies"] + project["optional-dependencies"]["otlp"]
    wanted = {normalised(re.split(r"[<>=\[]", each)[0]) for each in installed}
    assert wanted <= {name for name, _, _ in required}


def normalised(name: str) -> str:
    """Return the name of a package as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", ["coderouter", "cr-exporter"])
def test_user_services_have_a_low_exposure_level_in_their_sandbox(name: str, tmp_path: Path) -> None:
    folder = DEPLOY / "systemd/user"
    unit = tmp_path / f"{name}.service"
    text = (folder / unit.name).read_text().partition("[Install]")[0]
    unit.write_text(text + (folder / "sandbox.conf").read_text(), encoding="utf-8")
    options = ("--user", "security", "--offline=yes", "--no-pager", unit)
    env = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    command: tuple[str | Path, ...] = (program("systemd-analyze"), *options)
    output = subprocess.run(command, env=env, capture_output=True, text=True, check=False).stdout
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", output)
    assert exposure
    assert float(exposure[1]) <= EXPOSURE_MAX


def test_systemd_finds_no_problem_in_the_services(root: ScratchRoot) -> None:
    units = [f"/etc/systemd/system/{path.name}" for path in SYSTEM_UNITS]
    assert root.output("systemd-analyze", "verify", *units) == ""


def test_system_and_user_services_restart_stop_and_confine_alike() -> None:
    """A user's systemd restricts system calls alike; what else it can is in a file of its own."""
    shared = """Type ExecReload WatchdogSec Restart RestartSec RestartPreventExitStatus TimeoutStopSec KillMode
    LimitNOFILE NoNewPrivileges LockPersonality MemoryDenyWriteExecute RestrictAddressFamilies RestrictNamespaces
    RestrictRealtime RestrictSUIDSGID SystemCallArchitectures SystemCallFilter SystemCallErrorNumber"""
    for path in SYSTEM_UNITS:
        system, user = Unit(path), Unit(DEPLOY / "systemd/user" / path.name)
        assert system.all("LimitNOFILE")
        for name in shared.split():
            assert system.all(name) == user.all(name), f"{path.name}: {name}"


def test_the_containerfile_passes_its_linter_and_runs_as_a_numeric_user() -> None:
    containerfile = DEPLOY / "Containerfile"
    assert checked(SCRIPTS / "hadolint", containerfile) == ""
    text = containerfile.read_text()
    final = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER \d+:\d+$", final, re.MULTILINE)
    assert not re.search(r"python3-venv|python3-pip|build-essential|gcc", final)
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE)
    allowed = re.findall(r"^!(.+)$", (DEPLOY / "Containerfile.dockerignore").read_text(), re.MULTILINE)
    assert sorted(" ".join(copied).split()) == sorted(allowed)
    assert all((REPOSITORY / name).exists() for name in allowed)


@pytest.mark.parametrize("name", ["deployment.yaml", "service.yaml"])
def test_manifests_pass_the_schema_of_kubernetes(name: str) -> None:
    manifest = yaml.safe_load((DEPLOY / "kubernetes" / name).read_text())
    kubernetes_validate.validate(manifest, "1.37", strict=True)


def test_the_pod_monitor_selects_the_pod_and_names_a_port_of_it() -> None:
    manifest = yaml.safe_load((DEPLOY / "kubernetes/podmonitor.yaml").read_text())
    pod = yaml.safe_load((DEPLOY / "kubernetes/deployment.yaml").read_text())["spec"]["template"]
    ports = {port["name"] for each in containers(pod) for port in each.get("ports", [])}
    assert {endpoint["port"] for endpoint in manifest["spec"]["podMetricsEndpoints"]} <= ports
    assert manifest["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    spec = pod["spec"]
    found: list[dict[str, Any]] = spec["initContainers"] + spec["containers"]
    return found


def test_every_container_of_the_pod_is_confined_and_has_limits() -> None:
    pod = yaml.safe_load((DEPLOY / "kubernetes/deployment.yaml").read_text())["spec"]["template"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    for container in containers(pod):
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])


def test_the_kustomization_names_existing_files_and_a_valid_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = DEPLOY / "kubernetes"
    customization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    [generated] = customization["configMapGenerator"]
    assert all((folder / name).is_file() for name in customization["resources"] + generated["files"])
    monkeypatch.delenv("ALLOW_PAID", raising=False)
    assert load.load(folder / "providers.yaml").config.server.api_keys_env == "CODEROUTER_CLIENT_KEYS"


def test_vector_reads_the_event_file_of_the_service_and_every_sink_takes_its_input_from_it() -> None:
    vector = yaml.safe_load((DEPLOY / "vector/vector.yaml").read_text())
    environment = Unit(DEPLOY / "systemd/coderouter.service").all("Environment")
    [events] = [
        value.partition("=")[2] for value in environment if value.startswith("CODEROUTER_EVENTS_PATH=")
    ]
    assert vector["sources"]["event_file"]["include"] == [events, f"{events}-*"]
    sinks = sorted((DEPLOY / "vector").glob("to-*.yaml"))
    assert [sink.stem for sink in sinks] == ["to-clickhouse", "to-kafka", "to-s3"]
    for path in sinks:
        for sink in yaml.safe_load(path.read_text())["sinks"].values():
            assert set(sink["inputs"]) <= set(vector["transforms"])
            assert sink["acknowledgements"] == {"enabled": True}
            assert sink.get("key_field", "writer") in ENVELOPE


def test_each_column_of_the_table_is_an_event_field_with_its_type() -> None:
    sql = (DEPLOY / "vector/clickhouse.sql").read_text()
    columns = dict(re.findall(r"^    (\w+) (.+?),?$", sql, re.MULTILINE))
    made = {name: columns.pop(name) for name in ("timestamp", "host", "level", "msg", "writer", "seq")}
    assert set(made) - {"timestamp", "host"} <= set(ENVELOPE)
    fields = {name: hint for event in EVENTS for name, hint in get_type_hints(event).items()}
    for name, column in columns.items():
        assert expected_column(fields[name]) == column.replace(
            "LowCardinality(Nullable(String))", "Nullable(String)"
        )
    finished = next(event for event in EVENTS if event.msg == "request-finished")
    assert set(get_type_hints(finished)) - set(get_type_hints(Event)) <= set(columns)


def expected_column(hint: Any) -> str:
    """Return the ClickHouse type for values of this annotation, in events that may lack the field."""
    if NoneType in get_args(hint):
        [hint] = set(get_args(hint)) - {NoneType}
    if get_origin(hint) is list:
        return "Array(String)"
    if hint not in COLUMN_TYPES:  # a closed set of strings
        assert all(isinstance(word, str) for word in get_args(hint))
        hint = str
    return f"Nullable({COLUMN_TYPES[hint]})"
