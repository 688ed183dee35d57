"""Whether an installed opsconsole does what matters: it sees an outage, ends it, and verifies that.

    python3 proof.py COMMAND …

Invariant: COMMAND and the standard library are all that is used, and loopback is all the network.
The service is a process of its own that is down until the program restarts it; ``status`` says so
before and after, the detached runner carries the restart out, the journal is whole, and a keeper
takes a degradation back that nobody waits for.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SERVICE = """
import http.server, os, sys
broken, mode = sys.argv[1:3]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if os.path.exists(broken) else 200)
        self.end_headers()
        self.wfile.write(b'{"status": "down"}' if os.path.exists(broken) else b'{"status": "ok"}')
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
CONFIGURATION = """
defaults: {{interval: 0.2s}}
services:
  shop:
    instances: [http://127.0.0.1:{port}]
    actions:
      restart: {{command: [/bin/rm, {broken}], min_healthy: 0.5s, deadline: 30s}}
      degrade:
        command: [/bin/touch, {mode}]
        min_healthy: 0.2s
        deadline: 30s
        for: 2s
        recover: {{command: [/bin/rm, {mode}], min_healthy: 0.2s, deadline: 30s}}
"""
LONGEST = 60.0
"""Seconds after which a keeper has not taken back what it is to."""


def main(command: list[str]) -> int:
    """Go through it; 0 when all of it is as it should be, else what is not is named."""
    with tempfile.TemporaryDirectory(prefix="opsconsole-proof-") as name, _service(Path(name)):
        folder = Path(name)
        program = [*command, "--config", str(folder / "opsconsole.yaml")]
        environment = {**os.environ, "XDG_STATE_HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}

        def said(*words: str, code: int = 0) -> str:
            done = subprocess.run(
                [*program, *words], env=environment, cwd="/", text=True, capture_output=True,
                check=False,
            )  # fmt: skip
            if done.returncode != code:
                raise SystemExit(
                    f"{' '.join(words)}: exit {done.returncode} instead of {code}\n"
                    f"{done.stdout}{done.stderr}"
                )
            return done.stdout

        said("status", code=2)
        restarted = said("restart", "shop", "--yes", "--reason", "it is down")
        if "verified" not in restarted:
            raise SystemExit(f"not verified:\n{restarted}")
        said("status")
        said("degrade", "shop", "--yes", "--reason", "to see it end")
        _until_gone(folder / "mode")
        said("audit", "verify")
        print(f"{said('--version').strip()}: seen, restarted, verified, degraded and taken back")
    return 0


@contextlib.contextmanager
def _service(folder: Path) -> Iterator[None]:
    """A service that is down as long as ``broken`` is there, and its configuration."""
    broken, mode = folder / "broken", folder / "mode"
    broken.touch()
    argv = [sys.executable, "-c", SERVICE, str(broken), str(mode)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as service:
        try:
            assert service.stdout is not None
            port = service.stdout.readline().strip()
            text = CONFIGURATION.format(port=port, broken=broken, mode=mode)
            (folder / "opsconsole.yaml").write_text(text)
            yield
        finally:
            service.terminate()


def _until_gone(path: Path) -> None:
    deadline = time.monotonic() + LONGEST
    while path.exists():
        if time.monotonic() > deadline:
            raise SystemExit(f"{path.name} is there after {LONGEST:.0f} s: nothing took it back")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
