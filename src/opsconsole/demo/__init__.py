"""A small fleet to try the console on: five platforms, their traffic, and faults to inject."""
