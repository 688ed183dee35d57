"""The tests, laid out as the source is: ``tests/<layer>/test_<subject>.py``."""
