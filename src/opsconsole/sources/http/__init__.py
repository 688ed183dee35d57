"""HTTP as the console speaks it: its own transport below httpx."""
