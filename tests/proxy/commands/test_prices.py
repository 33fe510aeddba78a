"""`coderouter prices` and `check-config` show list prices and what is wrong with those in providers.yaml."""

import json
from pathlib import Path

from coderouter_proxy.prices.table import list_prices
from support.proxy.process import config, provider, write_config
from support.run_command import coderouter, coderouter_at_terminal


def test_the_prices_are_shown_with_their_date_and_source(tmp_path: Path) -> None:
    shown = coderouter(tmp_path, "prices").stdout
    for row in list_prices():
        [line] = [line for line in shown.splitlines() if line.startswith(f"{row.host}\t{row.model}\t")]
        assert f"{row.context_tokens:,}" in line
        assert f"{row.cost.input_per_mtok:g}\t{row.cost.output_per_mtok:g}\t" in line
        assert str(row.as_of) in line
        assert row.source in shown
        assert (row.page or "") in shown
    at_terminal = coderouter_at_terminal(tmp_path, "prices", columns=160).stdout
    assert all(row.model in at_terminal for row in list_prices())


def test_both_commands_warn_of_a_paid_provider_without_a_price(tmp_path: Path) -> None:
    claude = {"model": "claude-sonnet-5-5", "kind": "anthropic", "paid": True}
    write_config(tmp_path, config([provider("claude", "https://api.anthropic.com") | claude]))
    warning = "provider 'claude' is paid and has no cost, so its cost is unknown; add its list price: cost: {"
    for command in ("prices", "check-config"):
        ended = coderouter(tmp_path, command)
        assert ended.code == 0
        assert f"warning: {warning}" in ended.stdout
        [found] = json.loads(coderouter(tmp_path, command, "--json").stdout)["warnings"]
        assert found.startswith(warning)


def test_an_invalid_configuration_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text("speed: 9")
    ended = coderouter(tmp_path, "prices")
    assert (ended.code, ended.stdout) == (3, "")
    assert "speed: is not a known field" in ended.stderr
