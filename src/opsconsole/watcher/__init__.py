"""The engine without a screen, for a host where nobody sits."""
