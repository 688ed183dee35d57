"""Drivers of Docker Engines and of Swarm."""
