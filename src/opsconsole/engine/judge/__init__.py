"""Pure state machines: what the readings mean. No I/O, no clock of their own."""
