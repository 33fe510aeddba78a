"""`make agents`: real agents do a task with tool calls through the proxy, over each kind of provider."""
