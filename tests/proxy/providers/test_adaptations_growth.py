"""Words of refusals are searched in linear time: a provider may say anything, and the event loop waits for it."""

import pytest

from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import adaptations
from support.growth import GROWTH_MAX, growth_in_cpu_time

pytestmark = pytest.mark.long


@pytest.mark.parametrize("part", ["a", "a_", "a.", "a[", "'a' ", "1", " ", '"', "max_tokens ", "role: "])
def test_a_long_message_is_searched_in_linear_time(part: str) -> None:
    def search(message: str) -> None:
        error = ProviderError("upstream_4xx", message, status=400, about_request=True)
        for _ in adaptations.recognised(error, ProviderTraits(), last_resort=True):
            pass

    assert growth_in_cpu_time(search, lambda chars: (part * chars)[:chars], 1_000) <= GROWTH_MAX
