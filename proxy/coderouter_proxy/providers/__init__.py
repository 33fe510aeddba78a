"""Sending a request to one provider: its client, adaptations to its refusals, HTTP transport, echo."""
