"""`make fuzz`: mutated answers of providers, and what their clients get: well-formed on their wire, whatever came."""
