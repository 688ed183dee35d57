"""What a bare client measures: ``python -m benchmarks.bare_client ADDRESS`` prints seconds.

Invariant: it imports nothing of the console, and asks one request at a time over a blocking socket,
so that nothing of its own lengthens what it measures. It dials as often as a probe does, and times
the exchange alone, as a probe does.
"""

import http.client
import sys
import time
from typing import Final
from urllib.parse import urlsplit

PAUSE: Final = 0.005
"""Seconds between two requests."""

KEPT: Final = 4
"""Requests on one connection."""


def ask(address: str) -> None:
    """Print one time in seconds for each answer, until ended."""
    where = urlsplit(address)
    client = http.client.HTTPConnection(where.hostname or "", where.port)
    while True:
        client.connect()
        for _ in range(KEPT):
            began = time.perf_counter()
            client.request("GET", "/bare")
            client.getresponse().read()
            print(time.perf_counter() - began, flush=True)
            time.sleep(PAUSE)
        client.close()


if __name__ == "__main__":
    ask(sys.argv[1])
