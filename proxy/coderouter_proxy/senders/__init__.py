"""Who sends a request and what for, as its headers say: the agent, and the class of the request."""
