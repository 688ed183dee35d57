"""One service, and the table of them all."""
