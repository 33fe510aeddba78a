"""What answers cost, to the micro-dollar."""

from typing import Any

import pytest

from coderouter_proxy.answer import Usage
from coderouter_proxy.config.schema import Cost
from coderouter_proxy.routing import cost

SONNET = Cost(input_per_mtok=3, output_per_mtok=15)
PRICES: dict[str, Any] = {"input_per_mtok": 3, "output_per_mtok": 15}


@pytest.mark.parametrize(
    ("usage", "price", "usd"),
    [
        (Usage(1_000_000, 1_000_000), SONNET, 18.0),
        (Usage(1, 0), SONNET, 0.000_003),
        (Usage(10, 3, 2, 0), SONNET, 0.000_076),
        (Usage(12_345, 678, 90_123, 4_567), SONNET, 0.091_368),
        (Usage(0, 0, 1_000_000, 0), SONNET, 0.3),
        (Usage(0, 0, 0, 1_000_000), SONNET, 3.75),
        (Usage(0, 0, 1_000_000, 0), Cost(**PRICES, cache_read_per_mtok=0.5), 0.5),
        (Usage(0, 0, 0, 1_000_000), Cost(**PRICES, cache_write_per_mtok=6), 6.0),
        (Usage(0, 0, 1_000_000, 1_000_000), Cost(**PRICES, cache_read_per_mtok=0, cache_write_per_mtok=0), 0.0),
        (Usage(7, 11), Cost(input_per_mtok=0.15, output_per_mtok=0.6), 0.000_008),
        (Usage(5, 5), Cost(input_per_mtok=0, output_per_mtok=0), 0.0),
        (Usage(1_000_000, 0), Cost(input_per_mtok=2), 2.0),
        (Usage(0, 1_000_000, 1_000_000), Cost(output_per_mtok=2, cache_read_per_mtok=1), 3.0),
    ],
)  # fmt: skip
def test_a_cost_is_exact_to_the_micro_dollar(usage: Usage, price: Cost, usd: float) -> None:
    assert cost.price(usage, price) == usd


@pytest.mark.parametrize(
    ("usage", "price", "usd"),
    [
        (Usage(0, 0, 1_000_000), SONNET, 2.7),
        (Usage(10, 3, 0), SONNET, 0.0),
        (Usage(10, 3, 1_000_000), Cost(**PRICES, cache_read_per_mtok=0.5), 2.5),
        (Usage(10, 3, 1_000_000), Cost(**PRICES, cache_read_per_mtok=4), 0.0),
        (Usage(10, 3, None), SONNET, None),
        (Usage(10, 3, 1_000_000), None, None),
    ],
)
def test_a_cache_saves_the_difference_between_the_prices_of_input_and_of_cached_input(
    usage: Usage, price: Cost | None, usd: float | None
) -> None:
    assert cost.cache_savings(usage, price) == usd


@pytest.mark.parametrize(
    ("usage", "price"),
    [
        (Usage(1, 1), None),
        (Usage(None, 1), SONNET),
        (Usage(1, None), SONNET),
        (Usage(), SONNET),
        (Usage(1, 1), Cost(input_per_mtok=1)),
        (Usage(1, 1), Cost(output_per_mtok=1)),
        (Usage(0, 0, 1), Cost(output_per_mtok=1)),
        (Usage(0, 0, 0, 1), Cost(monthly_budget_usd=20)),
    ],
)
def test_a_cost_is_unknown_if_the_price_or_the_usage_is(usage: Usage, price: Cost | None) -> None:
    assert cost.price(usage, price) is None
