"""The machine that the console runs on."""
