"""A PostgreSQL that several bastions share: how it is reached, its tables, who may what."""
