"""What people write in a configuration or type, and how it is read."""
