"""The whole program, as a person at a terminal has it."""
