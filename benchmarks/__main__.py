"""``python -m benchmarks [NAME …]``: run the benchmarks, each in a fresh process."""

import subprocess
import sys
from typing import Final

BENCHMARKS: Final = (
    "startup",
    "many",
    "watch",
    "prometheus",
    "screen",
    "wire",
    "fleet",
    "discovery",
    "kubernetes",
    "hosts",
    "probing",
    "latency",
    "engine",
    "metrics",
    "operations",
    "logs",
    "recording",
    "shared_recording",
    "replay",
    "soak",
    "mutation",
)


def main(names: list[str]) -> int:
    """Run ``names``, or all; the exit code is that of the worst."""
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        print(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
        return 64
    runs = []
    for name in names or BENCHMARKS:
        print(f"\n## {name}", flush=True)
        module = "tools.mutation" if name == "mutation" else f"benchmarks.{name}"
        runs.append(subprocess.run([sys.executable, "-m", module], check=False))
    return max(run.returncode for run in runs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
