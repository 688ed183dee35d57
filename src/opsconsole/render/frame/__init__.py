"""What surrounds every screen: the head, the line at the bottom, keys and help."""
