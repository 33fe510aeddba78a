"""A refusal: the row that knows it, the server, its status and words, and the value that they call for."""

from coderouter_proxy.providers.wordings.adaptation import Value

Complaint = tuple[str, str, int, str, Value]
