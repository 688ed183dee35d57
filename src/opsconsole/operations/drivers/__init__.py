"""How each kind of action is carried out: one driver a file."""
