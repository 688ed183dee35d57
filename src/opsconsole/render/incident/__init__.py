"""What broke and why, as pages and as a report."""
