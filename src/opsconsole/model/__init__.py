"""What the console knows: frozen values and the words for them. No I/O, no third party."""
