"""The commands of `coderouter` that read an exporter: `stats`, `dashboard`, `requests`, `trace`, `spend` and others."""
