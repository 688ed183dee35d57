"""Docker Engines: containers, Swarm services, use and events."""
