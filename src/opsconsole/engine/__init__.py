"""Scheduling, judging and remembering: readings in, snapshots out."""
