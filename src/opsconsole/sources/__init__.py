"""Reading the world: one source a file, each with its own deadline and its own executor."""
