"""A diagnosis as JSON.

Invariant: codes and figures for programs, with the sentence that the screens show beside them.
"""

from typing import Any

from opsconsole.model.diagnosis import Diagnosis, Explanation, Fact
from opsconsole.render.service.why import sentence

Document = dict[str, Any]


def diagnosis_document(diagnosis: Diagnosis) -> Document:
    """All explanations, the likeliest first, with what was ruled out and what is not known."""
    return {
        "explanations": [_explanation(each) for each in diagnosis.explanations],
        "ruled_out": [each.value for each in diagnosis.ruled_out],
        "unknown": [{"what": each.what, "why": each.why} for each in diagnosis.unknown],
        "watched_since": _round(diagnosis.watched_since),
    }


def _explanation(explanation: Explanation) -> Document:
    return {
        "says": sentence(explanation.lead),
        "confidence": explanation.confidence.value,
        "later": _round(explanation.later),
        "lead": _fact(explanation.lead),
        "facts": [_fact(each) for each in explanation.facts],
    }


def _fact(fact: Fact) -> Document:
    return {
        "code": fact.code.value,
        "at": _round(fact.at),
        "subject": fact.subject,
        "count": fact.count,
        "copies": fact.copies,
        "before": fact.before,
        "after": fact.after,
        "figure": _round(fact.figure),
        "limit": _round(fact.limit),
        "unit": fact.unit,
        "until": _round(fact.until),
        "by": fact.by,
        "part": fact.part,
        "state": None if fact.state is None else fact.state.value,
        "source": fact.source,
        "because": [_fact(each) for each in fact.because],
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
