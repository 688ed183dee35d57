"""What was intended and done: the journal and its audit."""
