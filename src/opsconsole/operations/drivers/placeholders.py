"""Filling ``{reason}``, ``{instance}`` and ``{to}`` into what the configuration declares.

Invariant: only these words are replaced, once, and what is filled in is never looked at again;
nothing of Python's format language is understood.
"""

import re
from collections.abc import Mapping
from typing import Final

from opsconsole.model.operation import ActionRequest

_WORD: Final = re.compile(r"\{(reason|instance|to|backup|service)\}")


def words(request: ActionRequest, instance: str = "") -> dict[str, str]:
    """What each word stands for when the call is made."""
    return {
        "reason": request.reason,
        "instance": instance,
        "to": request.parameters.get("to", ""),
        "backup": request.parameters.get("backup", ""),
        "service": request.service,
    }


def shown_words(request: ActionRequest, instance: str = "") -> dict[str, str]:
    """What each word is shown as in a plan: a reason that is still to be given as the word."""
    return {**words(request, instance), "reason": request.reason or "{reason}"}


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with its words replaced."""
    return _WORD.sub(lambda match: values[match[1]], text)


def fill_json(value: object, values: Mapping[str, str]) -> object:
    """A JSON value with the words in its strings replaced."""
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, Mapping):
        return {str(key): fill_json(item, values) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill_json(item, values) for item in value]
    return value
