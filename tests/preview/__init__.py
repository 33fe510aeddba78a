"""Draws what the Grafana dashboard shows, without a Grafana: `make dashboard-preview`."""
