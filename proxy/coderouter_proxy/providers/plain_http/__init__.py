"""HTTP/1.1 without TLS, for providers on this machine or network: one connection, its response, the pool."""
