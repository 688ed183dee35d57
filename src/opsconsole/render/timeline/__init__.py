"""The timeline: its rows, its words, and which of it is shown."""
