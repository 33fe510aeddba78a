"""The events that describe the configuration: startup and reload."""

from coderouter_events import events
from coderouter_http import product
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.settings.launch import Settings


def config_event(event: type[events.Startup], settings: Settings) -> events.Startup:
    """Return an event of this type with the configuration that is in use."""
    config = settings.config
    return event(
        version=product.version(),
        providers=[provider.name for provider in config.providers],
        profiles=[profile.name for profile in config.profiles],
        default_profile=settings.default.profile,
        allow_paid=config.allow_paid,
        mode_source=settings.default.source,
        display_timezone=config.display_timezone,
        catalog=[_catalog_entry(provider) for provider in config.providers],
        chains={profile.name: profile.names for profile in config.profiles},
    )


def _catalog_entry(provider: Provider) -> events.CatalogEntry:
    return {
        "name": provider.name,
        "kind": provider.kind,
        "model": provider.model,
        "paid": provider.paid,
        "base_url": provider.public_url(),
        "monthly_budget_usd": provider.cost.monthly_budget_usd if provider.cost else None,
    }
