"""A platform's log file: bounded on disk, one line a record."""

from __future__ import annotations

import json
import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 4 * 1024 * 1024
KEPT: Final = 2

STANDARD: Final = "[%(asctime)s] %(levelname)s in %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """One JSON object a line: timestamp, level, module, message, as AI Service's guide has it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; quotes and newlines in the message are escaped."""
        return json.dumps(
            {
                "timestamp": self.formatTime(record),
                "level": record.levelname,
                "module": record.name,
                "message": record.getMessage(),
            }
        )


def open_log(path: Path, name: str, formatter: logging.Formatter | None = None) -> logging.Logger:
    """A logger that appends to `path` alone, making its folder; rotates at a few megabytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8")
    handler.setFormatter(formatter or logging.Formatter(STANDARD))
    logger = logging.Logger(name, logging.INFO)
    logger.addHandler(handler)
    return logger
