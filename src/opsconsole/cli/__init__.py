"""The commands. Nothing heavy is imported before it is needed."""
