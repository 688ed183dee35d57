"""What runs and is not named in the configuration, as services."""
