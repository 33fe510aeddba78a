"""Who sends a request and what for: the agent, the class of the request, the session, the trace."""
