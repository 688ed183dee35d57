"""Log lines around the start of an incident, read from real files."""

import time
from datetime import UTC, datetime
from pathlib import Path

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.engine.past.incident_logs import LINES, excerpts
from opsconsole.model.past.reported import Excerpt


def read(folder: Path, *lines: tuple[float, str], start: float) -> list[Excerpt]:
    written = (
        f"{datetime.fromtimestamp(at, UTC).isoformat().replace('+00:00', 'Z')} {text}\n"
        for at, text in lines
    )
    (folder / "shop.log").write_text("".join(written))
    services = {"shop": {"health": None, "logs": [{"file": "shop.log"}]}, "bare": {"health": None}}
    settings = Settings.model_validate({"services": services})
    return list(excerpts(settings, folder, SystemClock(), ["shop"], start))


def test_the_gravest_lines_around_the_start_are_kept_in_their_order(tmp_path: Path) -> None:
    now = time.time() - 600
    (found,) = read(
        tmp_path,
        (now - 500, "ERROR long before"),
        (now - 10, "INFO serving"),
        (now - 5, "WARNING slow"),
        (now + 1, "ERROR lost the database, password=hunter2"),
        (now + 300, "ERROR long after"),
        start=now,
    )
    assert [line.text.split(" ", 1)[1] for line in found.lines] == [
        "WARNING slow",
        "ERROR lost the database, password=[secret]",
    ]
    assert found.left_out == 1


def test_many_lines_are_cut_and_counted(tmp_path: Path) -> None:
    now = time.time() - 600
    many = [(now + number / 10, f"ERROR number {number}") for number in range(LINES + 7)]
    (found,) = read(tmp_path, *many, start=now)
    assert len(found.lines) == LINES
    assert found.left_out == 7


def test_a_log_that_does_not_reach_back_gives_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, (time.time(), "ERROR now"), start=time.time() - 5000) == []
