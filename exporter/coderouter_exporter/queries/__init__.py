"""What the API returns: requests, sessions, days, providers and traffic, read from the rows."""
