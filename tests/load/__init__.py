"""`make load`: the proxy under many streams, large bodies, floods and unusual clients; it stays within its bounds."""
