"""The screen that nobody sits at."""
