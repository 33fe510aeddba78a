"""The table of list prices, by the host and the model of a provider."""

from datetime import date
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from coderouter_proxy.config import validation
from coderouter_proxy.config.schema import Cost, Provider

SHIPPED = "list-prices.yaml"


class ListPrice(BaseModel):
    """What a model costs; `until` is the last day of a price that is known to change, `page` is the vendor's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str
    model: str
    context_tokens: int
    cost: Cost
    source: str
    page: str | None = None
    as_of: date
    until: date | None = None
    remark: str = ""

    def per_mtok(self) -> dict[str, float]:
        """Return the listed prices, by their fields in `cost`."""
        return self.cost.model_dump(exclude_none=True)


class PriceList(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prices: list[ListPrice]


@cache
def list_prices() -> list[ListPrice]:
    text = files("coderouter_proxy.prices").joinpath(SHIPPED).read_text(encoding="utf-8")
    return validation.known_as_valid(text, PriceList).prices


def list_price(base_url: str, model: str) -> ListPrice | None:
    """Return the list price of the model at that address, if the table has it."""
    host = urlsplit(base_url).hostname
    return next((row for row in list_prices() if (row.host, row.model) == (host, model)), None)


def of_provider(provider: Provider) -> ListPrice | None:
    return list_price(provider.base_url, provider.model)
