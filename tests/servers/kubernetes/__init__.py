"""A real Kubernetes for tests, of programs that the tests start themselves."""
