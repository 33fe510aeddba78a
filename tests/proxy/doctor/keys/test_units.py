"""A key in a systemd unit is found, since every user can read it there."""

from pathlib import Path

import pytest

from support.proxy.keys import PLAIN_SECRET, SECRET, check, write_env_file


@pytest.mark.parametrize(
    ("name", "text", "variable"),
    [
        ("coderouter.service", f"[Service]\nEnvironment=A_KEY={SECRET}\n", "A_KEY"),
        ("coderouter.service", f'Environment="X=1" "OPENAI_API_KEY={PLAIN_SECRET}"\n', "OPENAI_API_KEY"),
        ("coderouter.service", f"Environment=X=1 \\\n  Y=2 \\\n  HF_TOKEN={PLAIN_SECRET}\n", "HF_TOKEN"),
        ("mine.service", f"ExecStart=/opt/bin/coderouter serve\nEnvironment=A_KEY={SECRET}\n", "A_KEY"),
        ("coderouter.service.d/keys.conf", f"Environment=A_KEY={SECRET}\n", "A_KEY"),
        ("cr-exporter.service", f"Environment='A_KEY={SECRET}\n", "A_KEY"),
    ],
)
def test_a_key_in_a_unit_is_reported_by_its_variable(name: str, text: str, variable: str, home: Path) -> None:
    path = home / "units" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    found = check()
    assert found.code == 2
    result = found[path.name, "keys in it"]
    assert result.message == f"Environment= shows {variable} to every user"


@pytest.mark.parametrize(
    "text",
    [
        "Environment=CODEROUTER_PORT=4000 ALLOW_PAID=true\nEnvironmentFile=/etc/coderouter/keys.env\n",
        f"# Environment=A_KEY={SECRET}\n",
        "Environment=A_KEY=$SECRET B_KEY=\n",
    ],
)
def test_a_unit_without_keys_is_ok(text: str, home: Path) -> None:
    (home / "units" / "coderouter.service").write_text(text)
    found = check()
    assert found.code == 0
    assert found.verdicts["coderouter.service", "keys in it"] == "OK"


def test_an_env_file_that_a_unit_names_is_checked_too(home: Path) -> None:
    write_env_file(home / "service.env", 0o644)
    named = (
        f"EnvironmentFile=-{home}/service.env\nEnvironmentFile={home}/nowhere.env\nEnvironmentFile=%h/x.env\n"
    )
    (home / "units" / "coderouter.service").write_text(named)
    found = check()
    assert found.verdicts["service.env", "mode"] == "NEEDS_TUNING"
    assert ("nowhere.env", "file") not in found.results


def test_other_units_are_ignored(home: Path) -> None:
    (home / "units" / "other.service").write_text(f"Environment=A_KEY={SECRET}\n")
    assert check().code == 0
