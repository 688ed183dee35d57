"""What a large cluster costs: 5,000 pods of 500 deployments, read by the console's source.

Run ``python -m benchmarks.kubernetes``. The API server is a stand-in in a process of its own that
speaks list and watch; its objects are as large as a kubelet's. Memory is what this process gained
until all is known. *At rest* nothing changes and the source is looked at every five seconds, as
the engine does; then a hundred pods change each second. The floor is what Python's own decoder of
JSON needs for the same objects.
"""

import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.kubernetes_server import pod
from benchmarks.process import resident
from benchmarks.targets import Figure, report
from opsconsole.clock import SystemClock
from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.sources.kubernetes.source import KubernetesSource

PODS: Final = 5000
DEPLOYMENTS: Final = 500
CHANGES: Final = 100
SECONDS: Final = 20.0
LOOK: Final = 5.0

MOST_MEMORY: Final = 60.0
MOST_SECONDS: Final = 3.0
MOST_AT_REST: Final = 2.0
MOST_CHANGING: Final = 15.0


@contextmanager
def api_server() -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Its port and its process."""
    command = [sys.executable, "-m", "benchmarks.kubernetes_server", str(PODS), str(DEPLOYMENTS)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), process
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def made(port: int, folder: Path) -> KubernetesSource:
    """The source, as a configuration makes it."""
    kubeconfig = folder / "config"
    content = {
        "current-context": "bench",
        "contexts": [{"name": "bench", "context": {"cluster": "bench"}}],
        "clusters": [{"name": "bench", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
    }
    kubeconfig.write_text(json.dumps(content))
    cluster = KubernetesCluster.model_validate({"kubeconfig": str(kubeconfig), "timeout": 30})
    return KubernetesSource(cluster, SystemClock(), lambda _: None)


async def looked_at(source: KubernetesSource, seconds: float) -> float:
    """Percent of a core that this process needs for ``seconds`` of looks."""
    began, spent = time.monotonic(), time.process_time()
    while time.monotonic() - began < seconds:
        reading = await source.collect()
        assert reading.value is not None, reading.fault
        await asyncio.sleep(LOOK)
    return 100 * (time.process_time() - spent) / (time.monotonic() - began)


def decoding() -> float:
    """Percent of a core that decoding a hundred pods a second takes, by itself."""
    text = json.dumps(pod(1, 1))
    began = time.process_time()
    for _ in range(1000):
        json.loads(text)
    return 100 * (time.process_time() - began) / 1000 * CHANGES


async def main() -> int:
    """Measure and print."""
    with api_server() as (port, process), tempfile.TemporaryDirectory() as folder:
        assert process.stdin is not None
        gc.collect()
        before, began, spent = resident(os.getpid()), time.monotonic(), time.process_time()
        source = made(port, Path(folder))
        reading = await source.collect()
        took, cpu = time.monotonic() - began, time.process_time() - spent
        assert reading.value is not None, reading.fault
        assert len(reading.value.replicas) == PODS
        assert len(reading.value.workloads) == DEPLOYMENTS
        gc.collect()
        memory = (resident(os.getpid()) - before) / 1e6
        at_rest = await looked_at(source, SECONDS)
        process.stdin.write(b"%d\n" % CHANGES)
        process.stdin.flush()
        changing = await looked_at(source, SECONDS)
        await source.close()
    floor = decoding()
    return report(
        [
            Figure("memory more, all known", memory, "MB", MOST_MEMORY),
            Figure("until the first whole inventory", took, "s", MOST_SECONDS),
            Figure("processor of that, without the server's", cpu, "s"),
            Figure("at rest, a look every 5 s", at_rest, "% core", MOST_AT_REST),
            Figure(f"{CHANGES} changes a second", changing, "% core", MOST_CHANGING),
            Figure("decoding these alone, the floor", floor, "% core"),
            Figure("changes, in times of the floor", changing / floor, "×"),
        ]
    )


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
