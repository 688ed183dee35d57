"""Changing the world, one way only: plan, policy, confirm, journal, runner, verify."""
