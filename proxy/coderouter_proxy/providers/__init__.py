"""Sending a request to one provider: the registry of kinds, HTTP transport, echo."""
