"""The objects of a cluster, as they are read of what its API sends. Pure."""
