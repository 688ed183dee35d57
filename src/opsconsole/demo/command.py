"""`opsconsole demo`: the fleet alone, or the fleet with the console on it.

Invariant: whichever way it ends, no process, container or temporary file of the demo is left.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.demo import scenarios
from opsconsole.demo.layout import plan_layout
from opsconsole.demo.processes import ServerError
from opsconsole.demo.supervisor import Supervisor
from opsconsole.sources.kubernetes.api.kubeconfig import access_of

START_DEADLINE_S: Final = 60.0
END_DEADLINE_S: Final = 30.0

OpenConsole = Callable[[Path], int]


def run(
    *,
    headless: bool,
    scenario: str = scenarios.DEFAULT,
    state_dir: Path | None = None,
    keep: bool = False,
    seed: int = 0,
    kubernetes: str | None = None,
    open_console: OpenConsole | None = None,
) -> int:
    """Run the demo until it is stopped or the console is closed.

    Headless, the first line on standard output is the configuration's path. Otherwise the fleet
    runs in a process of its own and `open_console` is called with that path; its result is
    returned. A temporary `state_dir` is removed at the end unless `keep`; one that was given
    stays. `kubernetes` is a context of the user's kubeconfig, whose cluster is shown as well; ''
    is the current one. Raises ServerError when the fleet does not start, OpsconsoleError for a
    scenario or a context that there is not.
    """
    scenarios.find(scenario)
    if kubernetes is not None:
        access_of(KubernetesCluster(context=kubernetes or None), os.environ)
    if headless or open_console is None:
        return serve(scenario, state_dir, keep=keep, seed=seed, kubernetes=kubernetes)
    argv = ["--scenario", scenario, "--seed", str(seed), "--private-docker"]
    argv += ["--parent", str(os.getpid())]
    argv += ["--keep"] if keep else []
    argv += ["--state-dir", str(state_dir)] if state_dir else []
    argv += [] if kubernetes is None else ["--kubernetes", kubernetes]
    return _with_fleet(argv, open_console)


def serve(
    scenario: str,
    state_dir: Path | None,
    *,
    keep: bool = False,
    seed: int = 0,
    private_docker: bool = False,
    parent: int = 0,
    kubernetes: str | None = None,
) -> int:
    """Serve the fleet in this process until a signal; prints the configuration's path first."""
    own = state_dir is None
    folder = state_dir or Path(tempfile.mkdtemp(prefix="opsconsole-demo-"))
    layout = plan_layout(folder)
    supervisor = Supervisor(
        layout,
        scenarios.find(scenario),
        seed=seed,
        private_docker=private_docker,
        parent=parent,
        kubernetes=kubernetes,
    )
    try:
        asyncio.run(supervisor.serve(_announce))
    finally:
        if not keep:
            layout.remove_run_files()
        if own and not keep:
            layout.remove()
    return 0


def _announce(config: Path, notes: Sequence[str]) -> None:
    # The program that started the demo may have stopped reading; the fleet runs anyway.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write("".join(f"{line}\n" for line in (config, *notes)))
        sys.stdout.flush()


def _with_fleet(argv: Sequence[str], open_console: OpenConsole) -> int:
    """Start the supervisor apart from this terminal, open the console, end the supervisor."""
    with tempfile.TemporaryFile() as errors:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "opsconsole.demo", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        try:
            config = _first_line(supervisor)
            if not config:
                errors.seek(0)
                reason = errors.read().decode(errors="replace").strip().splitlines()[-1:]
                raise ServerError(f"the demo's fleet did not start: {' '.join(reason)}")
            return open_console(Path(config))
        finally:
            _end(supervisor)


def _first_line(supervisor: subprocess.Popen[bytes]) -> str:
    """The supervisor's first line; empty when it ended or did not write one in time."""
    assert supervisor.stdout is not None
    ready, _, _ = select.select([supervisor.stdout], [], [], START_DEADLINE_S)
    return os.fsdecode(supervisor.stdout.readline()).rstrip("\n") if ready else ""


def _end(supervisor: subprocess.Popen[bytes]) -> None:
    supervisor.terminate()
    try:
        supervisor.wait(END_DEADLINE_S)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        supervisor.wait()
    if supervisor.stdout is not None:
        supervisor.stdout.close()


def main(argv: Sequence[str] | None = None) -> int:
    """The supervisor's own process: `python -m opsconsole.demo`."""
    parser = argparse.ArgumentParser(prog="opsconsole.demo")
    parser.add_argument("--scenario", default=scenarios.DEFAULT, choices=list(scenarios.SCENARIOS))
    parser.add_argument("--state-dir", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--private-docker", action="store_true")
    parser.add_argument("--parent", type=int, default=0)
    parser.add_argument("--kubernetes")
    options = vars(parser.parse_args(argv))
    try:
        return serve(options.pop("scenario"), options.pop("state_dir"), **options)
    except ServerError as problem:
        sys.stderr.write(f"{problem}\n")
        return 69  # EX_UNAVAILABLE, sysexits(3)
