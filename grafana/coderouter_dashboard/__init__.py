"""The Grafana dashboard as rows of a table, and the generator that prints them as `grafana/coderouter.json`."""
