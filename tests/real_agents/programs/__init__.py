"""Programs that agents run: small agents on SDKs and frameworks, and a server of tools."""
