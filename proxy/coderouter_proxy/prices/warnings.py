"""What is wrong with the prices in providers.yaml: there are none, or they are old."""

from collections.abc import Iterator
from datetime import date

from coderouter_proxy.config.schema import Config, Cost
from coderouter_proxy.prices import table
from coderouter_proxy.prices.table import ListPrice

OLD_AFTER_DAYS = 180
PRICES = ("input_per_mtok", "output_per_mtok")


def price_warnings(config: Config, today: date) -> Iterator[str]:
    """Yield a sentence for each price that is missing where there should be one, and for each that is old."""
    for provider in config.providers:
        listed = table.of_provider(provider)
        if provider.cost is None:
            if provider.paid:
                yield f"provider {provider.name!r} is paid and has no cost, so its cost is unknown; {_add(listed)}"
        elif missing := [name for name in PRICES if getattr(provider.cost, name) is None]:
            yield f"provider {provider.name!r} has no {' and no '.join(missing)}, {_consequence(provider.cost)}"
        elif (reason := _outdated(provider.cost, listed, today)) is not None:
            yield f"the prices of provider {provider.name!r} {reason}; {_compare(listed, today)}"


def _consequence(cost: Cost) -> str:
    if cost.monthly_budget_usd is None:
        return "so its cost is unknown; add it to its cost"
    return "so its cost is unknown, and its budget is never spent; add it to its cost"


def _outdated(cost: Cost, listed: ListPrice | None, today: date) -> str | None:
    if listed is not None and listed.until is not None and listed.until < today and is_listed(cost, listed):
        return f"were valid until {listed.until}"
    if cost.as_of is not None and (days := (today - cost.as_of).days) > OLD_AFTER_DAYS:
        return f"are those of {cost.as_of}, {days} days ago"
    return None


def is_listed(cost: Cost, listed: ListPrice) -> bool:
    """Return whether the prices are the listed ones."""
    return all(getattr(cost, field) == usd for field, usd in listed.per_mtok().items())


def as_yaml(listed: ListPrice) -> str:
    """Return the list price as the value of `cost` in providers.yaml, in one line."""
    fields = {**{field: f"{usd:g}" for field, usd in listed.per_mtok().items()}, "as_of": listed.as_of}
    return f"{{{', '.join(f'{field}: {value}' for field, value in fields.items())}}}"


def _add(listed: ListPrice | None) -> str:
    if listed is None:
        return "add cost, with the prices on its price page"
    return f"add its list price: cost: {as_yaml(listed)}"


def _compare(listed: ListPrice | None, today: date) -> str:
    page = f" ({listed.page})" if listed is not None and listed.page else ""
    return f"compare them with its price page{page} and set as_of: {today}"
