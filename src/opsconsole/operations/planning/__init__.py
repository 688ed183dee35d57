"""From a request to a plan that policy allows."""
