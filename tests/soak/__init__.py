"""`make soak`: everything goes wrong on schedule for ten minutes, and no event may be lost or counted twice."""
