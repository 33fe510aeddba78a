"""How the proxy was started, and the effective configuration."""
