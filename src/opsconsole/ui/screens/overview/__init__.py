"""The first screen: the whole fleet."""
