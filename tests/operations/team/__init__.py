"""Several bastions on one PostgreSQL, while things go wrong between them."""
