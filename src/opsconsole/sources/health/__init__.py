"""Health endpoints: the probe, and how a body is read."""
