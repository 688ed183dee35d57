"""A real Podman for tests: its service, on a socket of its own, with containers of its own.

Invariant: nothing of the machine's own Podman is read or changed: storage, state, policy and home
are folders of the test, in a namespace of mounts and processes that ends with the service.
"""

import json
import shutil
import tempfile
from pathlib import Path

from opsconsole.demo import binaries
from opsconsole.demo.docker_engine import Engine, why_no_private_engine
from opsconsole.demo.private_engine import engine_answers
from opsconsole.demo.processes import ServerError, ServerProcess, start

_SERVICE = ("system", "service", "--time=0")
_NAMESPACED = (
    "unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child",
    "--mount-proc",
)  # fmt: skip


def why_no_podman() -> str:
    """Why no Podman can be started here; '' where one can."""
    if binaries.find("podman") is None:
        return "podman is not here; run make servers"
    return why_no_private_engine()


class Podman(Engine):
    """A Podman of the test's own, at ``RUN/podman/podman.sock`` of the folder ``run``."""

    def __init__(self) -> None:
        # The path of a socket is limited to 108 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="opsconsole-podman-"))
        self.run_folder = self._folder / "run"
        socket = self.run_folder / "podman" / "podman.sock"
        socket.parent.mkdir(parents=True, mode=0o700)
        self._socket = socket
        self._service: ServerProcess | None = None
        super().__init__(f"unix://{socket}")
        # A name without a registry would be one of Docker's.
        self.repository = f"localhost/{self.repository}"
        self.start()

    def image(self, version: int = 1) -> str:
        """As ``Engine`` has it; an import of Podman's is always the latest of its name."""
        name = super().image(version)
        self.client().api.tag(f"{self.repository}:latest", self.repository, str(version))
        return name

    def start(self) -> None:
        """Start its service. Raises ServerError."""
        podman = binaries.find("podman")
        if podman is None:
            raise ServerError("podman is not on this machine", remedy="run make servers")
        self._service = start(
            "podman",
            [*_NAMESPACED, podman, *_SERVICE, self.url],
            log=self._folder / "podman.log",
            ready=lambda: engine_answers(self.url),
            deadline=60,
            env=self._environment(),
        )

    def stop(self) -> None:
        """End its service, and with it every container."""
        if self._service is not None:
            self._service.stop(grace=10)
            self._service = None

    def close(self) -> None:
        """Remove what was made, then the service and its folders."""
        super().close()
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        found = binaries.environment()
        home = self._folder / "home"
        (home / ".config" / "containers").mkdir(parents=True, exist_ok=True)
        policy = {"default": [{"type": "insecureAcceptAnything"}]}
        (home / ".config" / "containers" / "policy.json").write_text(json.dumps(policy))
        runc = self._folder / "runc"
        runc.write_text(
            f"#!/bin/sh\nLD_LIBRARY_PATH={found.get('LD_LIBRARY_PATH', '')}\n"
            f'export LD_LIBRARY_PATH\nexec {binaries.find("runc")} "$@"\n'
        )
        runc.chmod(0o700)
        helpers = binaries.find_file("usr/lib/podman")
        containers = self._folder / "containers.conf"
        containers.write_text(
            "[engine]\n"
            'runtime = "runc"\n'
            f'conmon_path = ["{binaries.find("conmon")}"]\n'
            'cgroup_manager = "cgroupfs"\n'
            'events_logger = "file"\n'
            f'helper_binaries_dir = ["{helpers}"]\n'
            f'tmp_dir = "{self._folder}/tmp"\n'
            "[engine.runtimes]\n"
            f'runc = ["{runc}"]\n'
            "[containers]\n"
            'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
        )
        storage = self._folder / "storage.conf"
        storage.write_text(
            f'[storage]\ndriver = "vfs"\nrunroot = "{self._folder}/runroot"\n'
            f'graphroot = "{self._folder}/graph"\n'
        )
        found |= {
            "HOME": str(home),
            "CONTAINERS_CONF": str(containers),
            "CONTAINERS_STORAGE_CONF": str(storage),
            "TMPDIR": str(self._folder),
        }
        return {key: value for key, value in found.items() if not key.startswith("XDG_")}
