"""Declared metrics and the console's own scrapes of them."""
