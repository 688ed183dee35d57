"""Filling in what stands in braces in a template of a message. Pure.

Invariant: what is filled in is not read again for braces, and cannot leave the JSON string or the
argument that it stands in.
"""

import json
import re
from collections.abc import Callable, Mapping

from opsconsole.config.notify import IN_A_NOTICE
from opsconsole.model.notices import Message
from opsconsole.zones import exported

_PLACEHOLDER = re.compile(r"\{(" + "|".join(IN_A_NOTICE) + r")\}")


def values(message: Message) -> Mapping[str, str]:
    """What each placeholder stands for."""
    return {
        "id": message.id,
        "key": message.key,
        "status": message.what.value,
        "title": message.title,
        "text": message.text,
        "severity": message.severity,
        "service": message.service,
        "environment": message.environment,
        "since": "" if message.since is None else exported(message.since),
        "folded": str(message.folded),
    }


def document(message: Message) -> Mapping[str, object]:
    """All of a message, for a program to read."""
    return {"version": 1, **values(message), "folded": message.folded}


def in_json(template: str, message: Message) -> str:
    """``template`` with each value as it stands within a JSON string."""
    return _filled(template, message, lambda text: json.dumps(text, ensure_ascii=False)[1:-1])


def in_text(template: str, message: Message) -> str:
    """``template`` with each value as it is."""
    return _filled(template, message, str)


def in_argument(template: str, message: Message) -> str:
    """The same for one argument of a program, which is never an option unless it was written."""
    filled = in_text(template, message)
    return f" {filled}" if filled.startswith("-") and not template.startswith("-") else filled


def _filled(template: str, message: Message, written: Callable[[str], str]) -> str:
    known = values(message)
    return _PLACEHOLDER.sub(lambda match: written(known[match[1]]), template)
