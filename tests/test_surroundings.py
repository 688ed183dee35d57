"""Tests are the same however the run was started."""

import signal
import subprocess
import sys
from pathlib import Path

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1)


def test_programs_begin_with_the_usual_signals() -> None:
    told = subprocess.run(
        ["grep", "SigIgn", "/proc/self/status"], capture_output=True, text=True, check=True
    )
    ignored = int(told.stdout.split()[1], 16)
    assert [each for each in SIGNALS if ignored & (1 << (each - 1))] == []


def test_so_they_do_where_the_run_ignores_them() -> None:
    """As under nohup, and in the background of a shell without job control."""

    def ignore() -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)

    test = f"{Path(__file__)}::{test_programs_begin_with_the_usual_signals.__name__}"
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    run = subprocess.run(argv, preexec_fn=ignore, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
