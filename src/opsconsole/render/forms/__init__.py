"""What is asked before a change: forms and plans."""
