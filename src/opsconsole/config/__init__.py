"""Configuration: YAML in, validated settings out. pydantic and yaml live here alone."""
