"""The proxy: sends each request to the first provider of a chain that answers."""
