"""The fleet's processes: started, replaced, stopped and made to fail, by name.

Invariant: a process that was killed stays dead until it is restarted or started; restarting
always gives a process with another pid, and with it a platform without faults. Pid files hold
the pid of what runs and are gone when nothing does. Methods block, and may be called from any
thread.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from opsconsole.demo import channel, traffic
from opsconsole.demo.faults import InjectedFault
from opsconsole.demo.layout import Layout, Member
from opsconsole.demo.processes import ServerProcess, answers_http, spawn

GRACE_S: Final = 2.0
START_DEADLINE_S: Final = 20.0
ASK_TIMEOUT_S: Final = 3.0

_TRAFFIC: Final = "traffic"


class Fleet:
    """The platforms of one layout and the process that loads them."""

    def __init__(self, layout: Layout, *, seed: int = 0, pace: float = 1.0) -> None:
        """Nothing runs yet. `pace` multiplies the time that work takes."""
        self.layout = layout
        self._seed = seed
        self._pace = pace
        self._processes: dict[str, ServerProcess] = {}
        self._lock = threading.RLock()

    def start_all(self, *, load: bool = True) -> None:
        """Start at once what does not run, and the traffic; raises ServerError."""
        with self._lock:
            missing = [m for m in self.layout.members if not self._runs(m.instance)]
            for member in missing:
                self._end(member)
                self._spawn(member)
            for member in missing:
                self._wait(member)
            if load and not self._runs(_TRAFFIC):
                self._start_traffic()

    def start(self, name: str) -> None:
        """Start what is not running of a service or instance."""
        for member in self.layout.select(name):
            with self._lock:
                if not self._runs(member.instance):
                    self._end(member)
                    self._spawn(member)
                    self._wait(member)

    def stop(self, name: str) -> None:
        """Stop a service or an instance; harmless when it is stopped."""
        for member in self.layout.select(name):
            with self._lock:
                self._end(member)

    def restart(self, name: str) -> None:
        """Replace the processes of a service or instance, one after another."""
        for member in self.layout.select(name):
            with self._lock:
                self._end(member)
                self._spawn(member)
                self._wait(member)

    def crash(self, name: str) -> None:
        """Kill a service or an instance without notice; it stays dead."""
        for member in self.layout.select(name):
            with self._lock:
                if member.instance in self._processes:
                    self._processes[member.instance].kill()
                self._forget(member)

    def inject(self, name: str, fault: InjectedFault) -> None:
        """Play a fault in each process of a service or instance; raises ChannelError."""
        for member in self.layout.select(name):
            channel.ask(member.control, {"fault": fault.as_message()}, ASK_TIMEOUT_S)

    def pids(self) -> dict[str, int]:
        """The pid of each instance that runs."""
        with self._lock:
            return {
                member.instance: self._processes[member.instance].pid
                for member in self.layout.members
                if self._runs(member.instance)
            }

    def reap(self) -> None:
        """Let go of processes that ended by themselves, so that their pids mean nothing."""
        with self._lock:
            for member in self.layout.members:
                process = self._processes.get(member.instance)
                if process is not None and not process.is_running():
                    process.stop(grace=0)
                    self._forget(member)

    def close(self) -> None:
        """Stop everything."""
        with self._lock:
            load = self._processes.pop(_TRAFFIC, None)
            if load is not None:
                load.kill()
            # All at once: each would otherwise wait for the one before it.
            _stop_together(list(self._processes.values()))
            for member in self.layout.members:
                self._forget(member)

    def _runs(self, instance: str) -> bool:
        process = self._processes.get(instance)
        return process is not None and process.is_running()

    def _spawn(self, member: Member) -> None:
        argv: list[str | Path] = [sys.executable, "-m", "opsconsole.demo.platforms", member.service]
        argv += ["--instance", member.instance, "--port", str(member.port)]
        argv += ["--folder", member.folder, "--control", member.control]
        argv += ["--pace", str(self._pace), "--seed", str(self._seed)]
        process = spawn(member.instance, argv, log=member.output, folder=member.folder)
        self._processes[member.instance] = process
        write_pid(member.pid_file, process.pid)

    def _wait(self, member: Member) -> None:
        process = self._processes[member.instance]
        process.wait_ready(lambda: answers_http(member.port, "/health"), deadline=START_DEADLINE_S)

    def _end(self, member: Member) -> None:
        process = self._processes.get(member.instance)
        if process is not None:
            process.stop(grace=GRACE_S)
        self._forget(member)

    def _forget(self, member: Member) -> None:
        self._processes.pop(member.instance, None)
        member.pid_file.unlink(missing_ok=True)
        member.control.unlink(missing_ok=True)

    def _start_traffic(self) -> None:
        plan = self.layout.run_folder / "traffic.json"
        traffic.write_plan(plan, traffic.plan_flows(self.layout))
        argv: Sequence[str | Path] = [sys.executable, "-m", "opsconsole.demo.traffic"]
        argv = [*argv, "--plan", plan, "--seed", str(self._seed)]
        self._processes[_TRAFFIC] = spawn(
            _TRAFFIC, argv, log=self.layout.run_folder / "traffic.out"
        )


def write_pid(path: Path, pid: int) -> None:
    """Put a pid file in its place in one step."""
    temporary = path.with_suffix(".new")
    temporary.write_text(f"{pid}\n", encoding="ascii")
    os.replace(temporary, path)


def _stop_together(processes: Sequence[ServerProcess]) -> None:
    threads = [
        threading.Thread(target=process.stop, kwargs={"grace": GRACE_S}) for process in processes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
