"""The words of refusals, by topic: tables of complaints, how each is recognised, and its public reports."""
