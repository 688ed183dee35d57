"""What went wrong and what is done about it: what changed, the timeline, runbooks."""
