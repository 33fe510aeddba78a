"""The exporter: counts the events of the proxy exactly once and serves the totals."""
