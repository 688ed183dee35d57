"""A day of a watcher that is killed every ten minutes, at real servers.

``python -m benchmarks.watch_day [HOURS]``. Its clock and its fleet are made up; its journal, a
webhook that remembers, and two Alertmanagers are real.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from benchmarks.targets import Figure, report
from opsconsole.demo.prometheus import start_alertmanager
from tests.watcher.day import Day
from tests.watcher.post_office import hook


def main(hours: float) -> int:
    """Live through it and print the table."""
    with tempfile.TemporaryDirectory() as folder, hook() as server:
        both = [start_alertmanager(Path(folder) / f"alertmanager-{number}") for number in range(2)]
        try:
            day = Day(Path(folder), server, [each.url for each in both], hours * 3600)
            outcome = asyncio.run(day.run())
        finally:
            for each in both:
                each.stop()
    for said in (*outcome.lost, *outcome.doubled, *outcome.flapped):
        print(said)
    return report(
        [
            Figure("hours", hours, "h"),
            Figure("lives of the watcher", outcome.lives),
            Figure("outages, the short ones included", outcome.outages),
            Figure("notified of", outcome.notified),
            Figure("of their ends", outcome.over),
            Figure("pushes of an alert", outcome.pushes),
            Figure("sent again under the same id", outcome.repeated),
            Figure("lost", len(outcome.lost), "", 0),
            Figure("doubled", len(outcome.doubled), "", 0),
            Figure("flapped at an Alertmanager", len(outcome.flapped), "", 0),
        ]
    )


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if sys.argv[1:] else 24.0))
