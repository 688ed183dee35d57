"""What people share: incidents, the hand-over, and who is here."""
