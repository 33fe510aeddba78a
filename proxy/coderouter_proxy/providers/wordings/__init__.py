"""The words of refusals, by topic: tables of what each complaint is known by, and its public reports."""
