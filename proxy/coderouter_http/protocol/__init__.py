"""HTTP/1.1 for both servers: uvicorn's protocol, with bounds on what clients send, keep open and leave unread."""
