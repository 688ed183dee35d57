"""What is to be done later, whatever happens: ends, rollbacks, acknowledgements."""
