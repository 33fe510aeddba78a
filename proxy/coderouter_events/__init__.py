"""The contract between proxy and exporter: event records, the liveness lock, default paths, sd_notify."""
