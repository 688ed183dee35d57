"""References to secrets, and what they stand for."""
