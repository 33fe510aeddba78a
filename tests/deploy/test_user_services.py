"""`coderouter service`: the units of one user, without root and without a running systemd of that user."""

import subprocess
from pathlib import Path

import pytest

from coderouter_proxy.services import systemd
from support.processes import SCRIPTS, clean_environment
from support.programs import program
from support.proxy.process import CODEROUTER, serving
from support.systemd.units import Unit

PROGRAMS = {"coderouter": "cr-proxy", "cr-exporter": "cr-exporter"}
"""What each service runs."""


def service(home: Path, *arguments: str, coderouter: Path = CODEROUTER) -> subprocess.CompletedProcess[str]:
    """Run the command as a user with this home, whose systemd does not answer."""
    own = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "none"), "DBUS_SESSION_BUS_ADDRESS": ""}
    environment = clean_environment(**own)
    environment.pop("XDG_CONFIG_HOME", None)
    command: list[str | Path] = [coderouter, "service", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def units(home: Path) -> list[Path]:
    return sorted(path for path in (home / ".config/systemd/user").iterdir() if path.is_file())


def folders(home: Path) -> list[Path]:
    return sorted(path for path in (home / ".config/systemd/user").iterdir() if path.is_dir())


def problems(home: Path, found: list[Path]) -> str:
    """Return the problems that the user's systemd finds in the units."""
    command: list[str | Path] = [program("systemd-analyze"), "--user", "verify", *found]
    environment = clean_environment(HOME=str(home), XDG_RUNTIME_DIR=str(home))
    checked = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert checked.returncode == 0 or checked.stderr
    return checked.stdout + checked.stderr


def test_it_writes_units_that_run_the_programs_beside_it_and_prints_how_to_start_them(tmp_path: Path) -> None:
    done = service(tmp_path, "install", "--user")
    assert done.returncode == 0, done.stderr
    assert "systemctl --user enable cr-exporter.service coderouter.service" in done.stdout
    for name, runs in PROGRAMS.items():
        program_path, *_ = Unit(tmp_path / f".config/systemd/user/{name}.service").one("ExecStart").split()
        assert Path(program_path) == SCRIPTS / runs


def test_systemd_and_the_proxy_accept_what_it_writes(tmp_path: Path) -> None:
    service(tmp_path, "install", "--user")
    assert problems(tmp_path, units(tmp_path)) == ""
    with serving(tmp_path, None, "--config", str(tmp_path / ".coderouter/providers.yaml")) as served:
        assert served.get("/healthz").status == 200


def test_it_keeps_an_existing_configuration_and_makes_the_env_file_private(tmp_path: Path) -> None:
    mine = tmp_path / ".coderouter/providers.yaml"
    mine.parent.mkdir()
    mine.write_text("# mine\n", encoding="utf-8")
    for _ in range(2):
        assert service(tmp_path, "install", "--user").returncode == 0
    assert mine.read_text() == "# mine\n"
    assert (tmp_path / ".coderouter/coderouter.env").stat().st_mode & 0o777 == 0o600


def test_the_sandbox_is_written_where_users_can_create_namespaces(tmp_path: Path) -> None:
    can = systemd.can_confine()
    done = service(tmp_path, "install", "--user")
    sandboxes = [tmp_path / f".config/systemd/user/{name}.service.d/sandbox.conf" for name in PROGRAMS]
    assert [path.exists() for path in sandboxes] == [can, can]
    assert ("users cannot create namespaces here" in done.stdout) is not can


def test_special_characters_in_a_path_reach_systemd_unchanged(tmp_path: Path) -> None:
    odd = tmp_path / "100% my programs"
    odd.mkdir()
    for name in ("coderouter", *PROGRAMS.values()):
        (odd / name).symlink_to(SCRIPTS / name)
    assert service(tmp_path, "install", "--user", coderouter=odd / "coderouter").returncode == 0
    assert problems(tmp_path, units(tmp_path)) == ""


def test_without_the_exporter_beside_it_nothing_is_written(tmp_path: Path) -> None:
    alone = tmp_path / "bin/coderouter"
    alone.parent.mkdir()
    alone.symlink_to(CODEROUTER)
    done = service(tmp_path, "install", "--user", coderouter=alone)
    assert done.returncode == 3
    assert f"{alone.parent}/cr-proxy is missing" in done.stderr
    assert not (tmp_path / ".config").exists()


@pytest.mark.parametrize(
    "place", [".cache/uv/archive-v0/abc/bin", "Library/Caches/pipx/x/bin", "elsewhere/bin"]
)
def test_programs_in_a_package_cache_are_refused(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "elsewhere"))
    cached = tmp_path / place
    cached.mkdir(parents=True)
    for name in ("coderouter", *PROGRAMS.values()):
        (cached / name).symlink_to(SCRIPTS / name)
    done = service(tmp_path, "install", "--user", coderouter=cached / "coderouter")
    assert done.returncode == 3
    assert f"{cached} is in a package cache" in done.stderr
    assert "install the package first, e.g. with uv tool install coderouter-exporter" in done.stderr
    assert not (tmp_path / ".config").exists()


def test_uninstall_removes_the_units_and_keeps_the_data(tmp_path: Path) -> None:
    assert service(tmp_path, "status", "--user").returncode == 4
    service(tmp_path, "install", "--user")
    assert service(tmp_path, "status", "--user").returncode == 3
    done = service(tmp_path, "uninstall", "--user")
    assert done.returncode == 0
    assert units(tmp_path) == []
    assert folders(tmp_path) == []
    assert sorted(path.name for path in (tmp_path / ".coderouter").iterdir()) == [
        "coderouter.env",
        "cr-exporter.env",
        "logrotate.conf",
        "providers.yaml",
    ]


@pytest.mark.parametrize("command", ["install", "uninstall", "status"])
def test_system_wide_services_are_left_to_make_install(tmp_path: Path, command: str) -> None:
    done = service(tmp_path, command)
    assert done.returncode == 2
    assert "make install" in done.stderr


def test_the_stanza_of_one_user_rotates_the_default_event_file(tmp_path: Path) -> None:
    service(tmp_path, "install", "--user")
    folder = tmp_path / ".coderouter"
    (folder / "events.jsonl").write_text("{}\n", encoding="utf-8")
    for options in (("--debug",), ("--force",)):
        command: list[str | Path] = [program("logrotate"), *options, "--state", folder / "status"]
        command.append(folder / "logrotate.conf")
        ended = subprocess.run(
            command, env=clean_environment(HOME=str(tmp_path)), capture_output=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
    [rotated] = folder.glob("events.jsonl*")
    assert rotated.name.startswith("events.jsonl-")
