"""What is kept of the past and shown of it: recordings, moments shown again, incidents."""
