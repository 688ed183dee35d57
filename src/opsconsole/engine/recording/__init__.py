"""The flight recorder: what the engine sees, kept on disk and shown again as it was."""
