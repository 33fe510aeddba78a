"""Who sends a request and what for, from its headers: the agent, the class of the request, the trace."""
