"""Other hosts, reached by the system's ``ssh``."""
