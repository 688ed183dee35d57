"""Look again at the few tests that failed in a whole run, each alone.

Invariant: nothing passes here that fails alone, and more than ``FEW`` failures are never looked at
again. What failed beside others and passes alone is named as unsteady: it is a fault to be found.
Exits with 0 where each passed. See `docs/decisions/013-second-look.md`.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

FEW: Final = 3
FAILED: Final = Path(".pytest_cache/v/cache/lastfailed")
"""Where pytest keeps what failed in its last run, as a JSON object of test ids."""


def again(folder: Path) -> int:
    """Run what failed in ``folder`` alone, in one process each, and give the exit status."""
    kept = folder / FAILED
    failed = sorted(json.loads(kept.read_text())) if kept.is_file() else []
    if not 0 < len(failed) <= FEW:
        return 1
    for test in failed:
        command = [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", test]
        if subprocess.run(command, cwd=folder, check=False).returncode:
            return 1
    for test in failed:
        print(f"unsteady: {test} failed beside others and passes alone")
    return 0


if __name__ == "__main__":
    sys.exit(again(Path.cwd()))
