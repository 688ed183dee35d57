"""What is in a folder that programs still write to."""

from pathlib import Path


def contents(folder: Path) -> dict[Path, bytes]:
    """Each file below ``folder`` with its bytes; one that goes meanwhile is none."""
    found = {}
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                found[path] = path.read_bytes()
        except FileNotFoundError:
            continue
    return found
