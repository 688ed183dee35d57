"""The five platforms of the demo: each a real HTTP server in a process of its own."""
