"""Ids of what a provider left without one, or what the proxy itself writes."""

import secrets


def new_id(prefix: str) -> str:
    return f"{prefix}{secrets.token_hex(12)}"
