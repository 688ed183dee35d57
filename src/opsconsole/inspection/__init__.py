"""What ``check`` finds out about a configuration by looking at the world."""
