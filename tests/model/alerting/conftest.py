"""A place to operate in, for what is asked of an Alertmanager."""

from tests.operations.conftest import place

__all__ = ["place"]
