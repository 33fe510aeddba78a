"""Settings for every test: Hypothesis does not judge an example by the clock, so a busy machine fails none."""

from hypothesis import HealthCheck, settings

# The first example of a process may take seconds: it builds Hypothesis's table of Unicode characters.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
