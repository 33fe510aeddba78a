"""What both HTTP servers share: listening, logging to stderr, draining, the Host check."""
