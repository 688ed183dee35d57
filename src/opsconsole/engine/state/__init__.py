"""What is known now, and how it becomes a snapshot."""
