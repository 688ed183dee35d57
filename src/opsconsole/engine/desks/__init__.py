"""Where questions are answered that are no part of a snapshot."""
