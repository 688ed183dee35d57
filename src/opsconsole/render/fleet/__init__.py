"""The services of a fleet in groups: what is not well in the open, what is well folded."""
