"""How a message gets to a receiver: each way sends one message, or says why it did not."""
