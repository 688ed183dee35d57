"""Being the process that keeps a promise: imported by the entry point alone."""
