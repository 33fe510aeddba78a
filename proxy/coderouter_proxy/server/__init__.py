"""The process: sockets, workers, draining, reload, the ASGI app."""
