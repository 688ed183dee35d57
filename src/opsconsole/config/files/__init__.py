"""The files of a configuration: found, opened and read, and what is wrong in them."""
