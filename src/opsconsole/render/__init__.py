"""From snapshots to rows and lines of text with a role: pure functions, no Textual."""
