"""What a change is of: two changes of the same subject exclude each other, others never do.

Invariant: a service is one subject; each silence of an Alertmanager is one of its own, however
its matchers are written. A subject is a plain name, which can name a lock.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from opsconsole.model.alerting.silences import MATCHER_PARAMETER, parse_matcher
from opsconsole.model.operation import SILENCING, ActionKind

_NAMED: Final = 40
"""Characters of an Alertmanager's name that its subjects begin with."""
_DIGITS: Final = 16


def subject_of(service: str, kind: ActionKind, parameters: Mapping[str, str]) -> str:
    """The subject of what is asked for, planned or done."""
    if kind not in SILENCING:
        return service
    # What is ended and what is replaced is the same silence.
    silence = parameters.get("silence") or parameters.get("replaces")
    alert = parameters.get("alert")
    matchers = (text for key, text in parameters.items() if key.startswith(MATCHER_PARAMETER))
    what = (
        f"silence {silence}"
        if silence
        else f"alert {alert}"
        if alert
        else "\n".join(sorted(map(_spelt, matchers)))
    )
    digest = hashlib.sha256(f"{service}\n{what}".encode()).hexdigest()
    return f"{service.replace(' ', '-')[:_NAMED]}.{digest[:_DIGITS]}"


def _spelt(text: str) -> str:
    try:
        return str(parse_matcher(text))
    except ValueError:
        return text
