"""The Grafana dashboard as tables of panels, and the generator that writes them as `grafana/coderouter.json`."""
