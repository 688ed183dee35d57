"""Runbooks as they are run: their records, checks and waits."""
