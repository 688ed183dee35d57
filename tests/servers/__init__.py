"""Real servers for tests, and the tests that they are real."""
