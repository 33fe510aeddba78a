"""A providers.yaml is replaced atomically after a backup, or does not change at all."""

from pathlib import Path

import pytest

from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.doctor.patch.apply import plan_change, write_change
from coderouter_proxy.doctor.patch.yaml_edit import PatchError
from support.disk import small_disk
from support.proxy.doctor import names_in

TEXT = """\
# mine
providers:
  - {name: a, base_url: "http://127.0.0.1:1/v1", model: m}  # é
profiles:
  - {name: default, providers: [a]}
"""
PATCH = {"a": {"capabilities": {"tools": False}}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "providers.yaml"
    path.write_text(TEXT, encoding="utf-8")
    path.chmod(0o640)
    return path


def apply(path: Path, value: int) -> Path:
    """Return the backup."""
    patch = {"a": {"extra_body": {"seed": value}}}
    backup = write_change(plan_change(path, patch)).backup
    assert backup
    return backup


def test_the_mode_is_kept_and_each_backup_is_a_new_file(path: Path) -> None:
    backups = [apply(path, value) for value in (1, 2, 3)]

    names = ["providers.yaml.bak", "providers.yaml.bak.1", "providers.yaml.bak.2"]
    assert [backup.name for backup in backups] == names
    assert names_in(path.parent) == ["providers.yaml", *names]
    assert backups[0].read_text(encoding="utf-8") == TEXT
    assert "seed: 2" in backups[2].read_text(encoding="utf-8")
    assert "seed: 3" in path.read_text(encoding="utf-8")
    assert {file.stat().st_mode & 0o777 for file in (path, *backups)} == {0o640}


def test_a_symlink_stays_a_symlink(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "providers.yaml"
    link.parent.mkdir()
    link.symlink_to(path)
    assert apply(link, 1).parent == path.parent
    assert link.is_symlink()
    assert "seed: 1" in path.read_text(encoding="utf-8")


def test_nothing_is_written_if_nothing_changes(path: Path) -> None:
    same = write_change(plan_change(path, {"a": {"model": "m"}}))
    assert same.backup is None
    assert same.diff() == []
    assert names_in(path.parent) == ["providers.yaml"]


def test_a_file_that_changed_while_the_probes_ran_is_checked_again(path: Path) -> None:
    path.write_text(TEXT.replace("name: a,", "name: b,").replace("[a]", "[b]"), encoding="utf-8")
    with pytest.raises(PatchError, match="'a' was removed in the meantime"):
        plan_change(path, PATCH)
    path.write_text("providers: [", encoding="utf-8")
    with pytest.raises(ConfigErrors, match="is not YAML"):
        plan_change(path, PATCH)


def test_a_file_that_the_proxy_cannot_load_is_not_patched(path: Path) -> None:
    with pytest.raises(ConfigErrors, match="cannot be read"):
        plan_change(path.with_name("none.yaml"), PATCH)
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigErrors, match="cannot be read"):
        plan_change(path, PATCH)
    assert names_in(path.parent) == ["providers.yaml"]


def test_a_full_disk_leaves_the_file_unchanged(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 64) as disk:
        path = disk.folder / "providers.yaml"
        path.write_text(TEXT, encoding="utf-8")
        disk.fill()
        with pytest.raises(PatchError, match="No space left on device; nothing was written"):
            write_change(plan_change(path, PATCH))
        assert path.read_text(encoding="utf-8") == TEXT
        assert names_in(disk.folder) == ["ballast", "providers.yaml"]
