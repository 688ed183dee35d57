"""The wall, legible from across the room."""
