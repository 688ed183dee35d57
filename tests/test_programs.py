"""Programs that this one runs do not stay when it leaves."""

import subprocess
import sys
import textwrap
from pathlib import Path

from tests.patience import until


def test_what_runs_when_the_process_leaves_ends_with_it(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import sys, threading, time
        from pathlib import Path
        from opsconsole import programs
        from opsconsole.model.running.machine import Command
        file = Path(sys.argv[1])
        words = ("sh", "-c", f"sleep 1000 & echo $! > {file}.new; mv {file}.new {file}; wait")
        wait = lambda: programs.run(Command(words), limit=100, deadline=1000.0)
        threading.Thread(target=wait, daemon=True).start()
        while not file.exists():
            time.sleep(0.01)
    """)
    file = tmp_path / "pid"
    subprocess.run([sys.executable, "-c", program, str(file)], check=True)
    left = Path("/proc", file.read_text().strip())
    until(lambda: _is_over(left))


def _is_over(process: Path) -> bool:
    """Whether a process has ended, reaped or not."""
    try:
        return ") Z " in (process / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
