"""One service: its tabs, and its logs on the whole screen."""
