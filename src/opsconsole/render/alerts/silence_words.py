"""What was done about alerts, as a sentence: acknowledged, silenced, loud again.

Invariant: it names the alert, who did it and why, never the id of a silence; where it was not
done it says so, with the reason.
"""

from opsconsole.model.operation import SILENCING, ActionKind, Operation, OperationState

_DONE = {
    ActionKind.ACKNOWLEDGE: "{about} acknowledged by {by}",
    ActionKind.SILENCE: "{about} silenced by {by}",
    ActionKind.EXPIRE_SILENCE: "silence of {about} ended by {by}",
}
_TRIED = {
    ActionKind.ACKNOWLEDGE: "to acknowledge {about}, by {by}",
    ActionKind.SILENCE: "to silence {about}, by {by}",
    ActionKind.EXPIRE_SILENCE: "to end the silence of {about}, by {by}",
}
_BY_ITSELF = "acknowledgement of {about} ended by itself: resolved"


def silenced(kind: ActionKind, about: str, by: str, state: str, said: str) -> str:
    """``ApiDown acknowledged by kim: killed on purpose``; ``by`` is '' where nobody did it."""
    alert = about or "an alert"
    if state != OperationState.VERIFIED:
        words = _TRIED[kind].format(about=alert, by=by or "itself")
        return f"{state} {words}: {said}".removesuffix(": ")
    if kind is ActionKind.EXPIRE_SILENCE and not by:
        return _BY_ITSELF.format(about=alert)
    return f"{_DONE[kind].format(about=alert, by=by or 'itself')}: {said}".removesuffix(": ")


def of_run(run: Operation, by: str = "") -> str:
    """An operation on alerts; ``by`` is its user, where another name is wanted than its own."""
    good = run.state is OperationState.VERIFIED
    who = "" if run.by_promise else by or run.who
    return silenced(run.kind, run.about, who, str(run.state), run.reason if good else run.summary)


def is_about_alerts(kind: ActionKind | None) -> bool:
    """Whether it is done to alerts, and to no service."""
    return kind in SILENCING
