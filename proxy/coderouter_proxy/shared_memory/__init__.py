"""Memory that a supervisor and its workers share: how it is made, and rings of records in it."""
