"""The machines that are read and changed: the protocol, and the console's own host."""
