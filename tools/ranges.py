"""Try the wheel's own ranges at both of their ends: ``make ranges``.

    python -m tools.ranges [lowest] [newest]

Invariant: what is tried is the wheel, installed as a user would, never this folder's ``src``; with
every direct dependency at the lowest version that ``pyproject.toml`` allows, then with all at the
newest that there is. The tests are those that need no server and no terminal.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
TESTS: Final = ("config", "model", "render", "sources", "engine", "operations", "cli", "ui")
_LOWEST: Final = re.compile(r"([A-Za-z0-9._-]+)\s*(?:>=|==)\s*([0-9][0-9a-z.]*)")


def main(argv: list[str]) -> int:
    """Try the ends named, both when none is; 1 where a test fails at one."""
    ends = argv or ["lowest", "newest"]
    failed = [end for end in ends if not tried(end)]
    print("\n".join(f"{end}: {'FAILED' if end in failed else 'ok'}" for end in ends))
    return 1 if failed else 0


def tried(end: str) -> bool:
    """Install the wheel in a new environment at one end of its ranges, and run the tests."""
    with tempfile.TemporaryDirectory(prefix="opsconsole-ranges-") as folder:
        home = Path(folder) / "venv"
        venv.create(home, with_pip=True)
        python = str(home / "bin" / "python")
        limits = Path(folder) / "limits.txt"
        limits.write_text("\n".join(lowest()) if end == "lowest" else "")
        print(f"{end}: installing", flush=True)
        pip = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--constraint", str(limits), f"{ROOT}[dev]"], check=True)
        subprocess.run([python, "-m", "pip", "list", "--format=freeze"], check=True)
        options = ["-q", "-n", "2", "-m", "not servers and not terminal", "--rootdir", str(ROOT)]
        chosen = [str(ROOT / "tests" / name) for name in TESTS]
        run = subprocess.run([python, "-m", "pytest", *options, *chosen], check=False, cwd=ROOT)
        return run.returncode == 0


def lowest() -> list[str]:
    """``name==version`` of each direct dependency at its lowest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = [_LOWEST.match(each) for each in project["dependencies"]]
    assert all(found), "each dependency of the wheel has a lowest version"
    return [f"{match[1]}=={match[2]}" for match in found if match]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
