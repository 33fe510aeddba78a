"""What the proxy grants clients before it knows them: sizes, numbers and times; shared with the exporter's server."""
