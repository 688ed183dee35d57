"""The detached runner: one operation from its lock to its verdict."""
