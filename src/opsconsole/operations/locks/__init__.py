"""Who may do something alone: one protocol, flock(2) and memory behind it."""
