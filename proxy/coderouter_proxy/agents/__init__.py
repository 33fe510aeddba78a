"""Coding agents and SDKs: the settings that connect each to the proxy, and where they are on this machine."""
