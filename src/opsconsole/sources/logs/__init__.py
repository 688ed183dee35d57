"""Following logs: files, containers, Swarm services, journals."""
