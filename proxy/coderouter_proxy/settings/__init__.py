"""How the proxy was launched, and its effective configuration."""
