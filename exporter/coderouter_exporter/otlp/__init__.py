"""Pushing metrics, and traces rebuilt from the rows of requests, to an OTLP receiver."""
