"""Forms and plans as lines."""
