"""The flight recorder: what the engine sees, kept on disk and given back as it was shown."""
