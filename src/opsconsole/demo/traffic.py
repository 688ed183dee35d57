"""Steady real requests against the platforms, from one process of its own.

Invariant: every flow keeps at most `connections` requests under way; a platform that is slow or
dead gets fewer requests, never more, and is found again within a second of its return.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.demo.layout import Layout

CONNECTIONS: Final = 3
TIMEOUT_S: Final = 45.0
RETRY_S: Final = 1.0

_LONG_TEXT: Final = " ".join(f"clause {number} applies" for number in range(120))


@dataclass(frozen=True, slots=True)
class Flow:
    """POSTs to one path of one instance: `rate` a second in all, one of `bodies` each time."""

    host: str
    port: int
    path: str
    rate: float
    bodies: Sequence[Mapping[str, object]]


_WORK: Final[Mapping[str, tuple[str, float, Sequence[Mapping[str, object]]]]] = {
    "errorscope": (
        "/analyze",
        6.0,
        [{"error": f"{name} in worker"} for name in ("ConnectionRefused", "KeyError", "Segfault")],
    ),
    "ai-ops": (
        "/process-task",
        0.3,
        [{"task": "Get weather in London"}, {"task": "Find issues on GitHub, summarise"}],
    ),
    "ai-backend": (
        "/api/v1/process",
        8.0,
        [
            {"kind": "fraud_detection"},
            {"kind": "predictive_analytics"},
            {"kind": "compliance_checking"},
            {"kind": "nlp_invoice"},
        ],
    ),
    "ai-service": (
        "/analyze-complexity",
        8.0,
        [{"text": "pay the invoice"}, {"text": "a short text"}, {"text": _LONG_TEXT}],
    ),
    "oatie": ("/api/reports", 5.0, [{"report": "sales"}, {"report": "stock"}]),
}


def plan_flows(layout: Layout) -> list[Flow]:
    """The usual load of each member."""
    flows = []
    for member in layout.members:
        path, rate, bodies = _WORK[member.service]
        flows.append(Flow("127.0.0.1", member.port, path, rate, bodies))
    return flows


def write_plan(path: Path, flows: Sequence[Flow]) -> None:
    """Write the flows for the traffic process."""
    plan = [{name: getattr(flow, name) for name in Flow.__slots__} for flow in flows]
    path.write_text(json.dumps(plan), encoding="utf-8")


def read_plan(path: Path) -> list[Flow]:
    """The flows that `write_plan` wrote."""
    return [Flow(**flow) for flow in json.loads(path.read_bytes())]


def render_request(flow: Flow, body: Mapping[str, object]) -> bytes:
    """One keep-alive POST."""
    content = json.dumps(body).encode()
    head = (
        f"POST {flow.path} HTTP/1.1\r\nHost: {flow.host}:{flow.port}\r\n"
        f"User-Agent: demo-traffic\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode("ascii") + content


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> None:
    """Send one request and read its response to the end."""
    writer.write(request)
    async with asyncio.timeout(TIMEOUT_S):
        head = await reader.readuntil(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                await reader.readexactly(int(line.partition(b":")[2]))


async def _user(flow: Flow, rng: random.Random) -> None:
    """One user of the flow, until the connection fails."""
    reader, writer = await asyncio.open_connection(flow.host, flow.port)
    try:
        while True:
            await asyncio.sleep(rng.expovariate(flow.rate / CONNECTIONS))
            await _exchange(reader, writer, render_request(flow, rng.choice(flow.bodies)))
    finally:
        writer.close()


async def _run_user(flow: Flow, rng: random.Random) -> None:
    while True:
        try:
            await _user(flow, rng)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await asyncio.sleep(RETRY_S)  # the platform is away; TimeoutError is an OSError


async def run(flows: Sequence[Flow], seed: int) -> None:
    """Play all flows until cancelled."""
    rng = random.Random(seed or None)
    async with asyncio.TaskGroup() as users:
        for flow in flows:
            for _ in range(CONNECTIONS):
                users.create_task(_run_user(flow, random.Random(rng.random())))


def main() -> None:
    """The traffic process: `python -m opsconsole.demo.traffic --plan FILE`."""
    parser = argparse.ArgumentParser(prog="opsconsole.demo.traffic")
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    asyncio.run(run(read_plan(options.plan), options.seed))


if __name__ == "__main__":
    main()
