"""Filling ``{reason}``, ``{instance}`` and ``{to}`` into what the configuration declares.

Invariant: only these words are replaced, once, and what is filled in is never looked at again;
nothing of Python's format language is understood.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from opsconsole.model.operation import ActionRequest
from opsconsole.operations.driving.driver import ObserveError

_REMEDIES: Final = {
    "to": "say how many, with --to N",
    "backup": "say which one, with --backup ID",
    "instance": "say which one, with --instance NAME",
    "service": "name a service",
}
_WORD: Final = re.compile(r"\{(reason|instance|to|backup|service)\}")


def words(request: ActionRequest, instance: str = "") -> dict[str, str]:
    """What each word stands for when the call is made."""
    return {
        "reason": request.reason,
        "instance": instance or request.instance,
        "to": request.parameters.get("to", ""),
        "backup": request.parameters.get("backup", ""),
        "service": request.service,
    }


def shown_words(request: ActionRequest, instance: str = "") -> dict[str, str]:
    """What each word is shown as in a plan: a reason that is still to be given as the word."""
    return {**words(request, instance), "reason": request.reason or "{reason}"}


def refuse_lacking(templates: Iterable[object], values: Mapping[str, str]) -> None:
    """Raise ObserveError where a word stands for nothing, so that a call would be another one.

    ``templates`` are texts, or JSON values with texts in them. A reason may be none.
    """
    for template in templates:
        for word in _words_in(template):
            if word != "reason" and not values[word]:
                raise ObserveError(
                    f"{{{word}}} stands for nothing in what the action declares",
                    remedy=_REMEDIES[word],
                )


def _words_in(template: object) -> Iterator[str]:
    if isinstance(template, str):
        yield from _WORD.findall(template)
    elif isinstance(template, Mapping):
        for item in template.values():
            yield from _words_in(item)
    elif isinstance(template, (list, tuple)):
        for item in template:
            yield from _words_in(item)


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
