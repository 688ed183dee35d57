"""What people share: incidents, hand-overs and who is here, as lines. Pure."""
