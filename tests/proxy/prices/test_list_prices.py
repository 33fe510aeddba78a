"""List prices: each has a source and a date, what has no source is left out, and old ones are reported."""

from datetime import date, timedelta

import pytest

from coderouter_proxy.config import load
from coderouter_proxy.config.schema import Config
from coderouter_proxy.init import clouds, starter_config
from coderouter_proxy.prices.table import list_price, list_prices
from coderouter_proxy.prices.warnings import OLD_AFTER_DAYS, price_warnings
from support import list_prices as source

TODAY = date(2026, 12, 1)
PRICE = list_price("https://api.openai.com/v1", "gpt-6.1-terra")


def config(fields: str, *, host: str = "api.openai.com", model: str = "gpt-6.1-terra") -> Config:
    return load.parse(
        f"providers: [{{name: a, base_url: 'https://{host}/v1', model: {model}, {fields}}}]\n"
        "profiles: [{name: default, providers: [a]}]\n",
        "f",
    )


def test_every_model_that_init_offers_has_a_list_price_unless_it_is_free_for_all() -> None:
    without = [each.name for each in clouds.CLOUDS if list_price(each.base_url, each.model) is None]
    assert without == ["openrouter"]


def test_each_price_has_a_source_a_date_and_is_there_once() -> None:
    rows = list_prices()
    assert len({(row.host, row.model) for row in rows}) == len(rows) == len(source.ROWS)
    for row in rows:
        assert row.source.startswith("price table of litellm ")
        assert date(2026, 11, 25) <= row.as_of <= date.today()  # noqa: DTZ011
        assert 0 < (row.cost.input_per_mtok or 0) <= (row.cost.output_per_mtok or 0)
        assert row.context_tokens >= 100_000


def test_what_the_source_lacks_is_left_out() -> None:
    entry = {"input_cost_per_token": 1e-06, "output_cost_per_token": 2.5e-06, "max_input_tokens": 1000}
    [row] = source.rows({"gpt-6.1-terra": entry}, "a table", "2026-11-25")
    assert row == (
        "  - host: api.openai.com\n    model: gpt-6.1-terra\n    context_tokens: 1000\n"
        "    cost: {input_per_mtok: 1, output_per_mtok: 2.5}\n    source: a table\n    as_of: 2026-11-25\n"
    )


def test_init_writes_the_list_price_of_paid_providers_and_mentions_that_of_free_ones() -> None:
    text = starter_config.render(list(map(starter_config.cloud_entry, clouds.CLOUDS)), allow_paid=True)
    written = load.parse(text, "written")
    for cloud in clouds.CLOUDS:
        provider = written.provider(cloud.name)
        listed = list_price(cloud.base_url, cloud.model)
        assert provider
        if cloud.paid:
            assert provider.cost
            assert listed
            assert provider.cost.model_dump() == {**listed.cost.model_dump(), "as_of": listed.as_of}
        else:
            assert provider.cost is None
    assert "# cost: {input_per_mtok: 0.15, output_per_mtok: 0.6, cache_read_per_mtok: 0.075, as_of: " in text
    assert "Takes prompts of up to 922,000 tokens. Prompts of more than 272,000 tokens cost more." in text
    assert list(price_warnings(written, TODAY)) == []


def test_a_paid_provider_without_a_price_is_reported_with_its_list_price() -> None:
    assert PRICE
    [known] = price_warnings(config("paid: true"), TODAY)
    assert known == (
        "provider 'a' is paid and has no cost, so its cost is unknown; add its list price: cost: "
        "{input_per_mtok: 1, output_per_mtok: 5, cache_read_per_mtok: 0.05, cache_write_per_mtok: 1.25, "
        f"as_of: {PRICE.as_of}}}"
    )
    [unknown] = price_warnings(config("paid: true", model="other"), TODAY)
    assert unknown.endswith("; add cost, with the prices on its price page")
    assert list(price_warnings(config("paid: false"), TODAY)) == []


@pytest.mark.parametrize(("days", "warns"), [(OLD_AFTER_DAYS, False), (OLD_AFTER_DAYS + 1, True)])
def test_prices_are_old_after_180_days(days: int, warns: bool) -> None:
    day = TODAY - timedelta(days)
    cost = f"cost: {{input_per_mtok: 1, output_per_mtok: 5, as_of: {day}}}"
    found = list(price_warnings(config(cost), TODAY))
    assert bool(found) == warns
    if warns:
        assert found[0] == (
            f"the prices of provider 'a' are those of {day}, 181 days ago; compare them with its price page "
            f"(https://developers.openai.com/api/docs/pricing) and set as_of: {TODAY}"
        )


def test_a_price_that_is_missing_is_reported_with_its_budget() -> None:
    assert list(price_warnings(config("cost: {input_per_mtok: 1}"), TODAY)) == [
        "provider 'a' has no output_per_mtok, so its cost is unknown; add it to its cost"
    ]
    [found] = price_warnings(config("cost: {monthly_budget_usd: 20}"), TODAY)
    assert "no input_per_mtok and no output_per_mtok" in found
    assert "its budget is never spent" in found


def test_prices_without_a_day_are_left_alone() -> None:
    assert list(price_warnings(config("cost: {input_per_mtok: 1, output_per_mtok: 5}"), TODAY)) == []


def test_a_list_price_that_has_ended_is_reported_where_it_is_still_used() -> None:
    host, model = "generativelanguage.googleapis.com", "gemini-3.8-flash"
    listed = list_price(f"https://{host}/v1beta/openai", model)
    assert listed
    assert listed.until
    cost = "cost: {input_per_mtok: %s, output_per_mtok: 3.75, cache_read_per_mtok: 0.075, as_of: 2026-11-25}"
    same, other = (config(cost % usd, host=host, model=model) for usd in (0.75, 1.5))
    assert list(price_warnings(same, listed.until)) == []
    [ended] = price_warnings(same, listed.until + timedelta(1))
    assert ended.startswith(f"the prices of provider 'a' were valid until {listed.until}; compare them with ")
    assert list(price_warnings(other, listed.until + timedelta(1))) == []
