"""The HTTP side: app, server, dashboard files, TLS, passwords."""
