"""What readers of the API choose from. It imports nothing, so that the help of commands is quick."""

STEP_MINUTES = {1: 1, 6: 5, 24: 15, 168: 60, 720: 240}
"""The step by the number of hours in the range."""
SPEND_BY = {
    "day": "date",
    "month": "substr(date, 1, 7)",
    "provider": "provider",
    "model": "model",
    "agent": "agent",
    "profile": "profile",
}
"""What spending is summed up by, each with its SQL expression."""
