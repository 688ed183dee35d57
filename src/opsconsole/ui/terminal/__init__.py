"""The terminal itself: its driver, its output gate, giving it back."""
