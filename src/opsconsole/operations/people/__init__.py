"""What people share beside changes: incidents, hand-overs, and who is here. It changes nothing."""
