"""Scripted providers: they play a model that does a task with the agent's own tools."""
