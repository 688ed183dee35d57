"""A place to operate in, for what is asked of an Alertmanager."""

from tests.operations.conftest import place, pytest_generate_tests

__all__ = ["place", "pytest_generate_tests"]
