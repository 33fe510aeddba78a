"""Plain `doctor`: configuration, providers, event file, proxy, exporter."""
