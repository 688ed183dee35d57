"""Being the process that keeps a user's promises: imported by the entry point alone."""
