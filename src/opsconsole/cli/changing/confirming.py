"""The confirmation of a plan, or of several at once, by the user at the terminal.

Invariant: only what the plans ask for confirms them, a typed word, the service's name or their
number; anything else is no.
"""

from collections.abc import Sequence

from opsconsole.model.operation import (
    Confirmation,
    ConfirmLevel,
    Plan,
    confirming_level,
    confirming_word,
)


def confirm(plans: Sequence[Plan], reason: str, *, indent: str = "") -> Confirmation | None:
    """What the person does; None for no. ``reason`` is asked for where it is needed and empty."""
    kind, where, level = plans[0].kind, plans[0].environment, confirming_level(plans)
    alone = len(plans) == 1
    whom = plans[0].service if alone else f"{len(plans)} services"
    if level is ConfirmLevel.CHOICE:
        answer = input(f"{indent}{kind} {whom} in {where}? type 'yes': ")
        return Confirmation(reason=reason) if answer.strip() == "yes" else None
    word = "the service's name" if alone else "how many services they are"
    typed = input(f"{indent}type {word} to {kind} {'it' if alone else 'them'} in {where}: ").strip()
    if typed != confirming_word(plans):
        return None
    if level is ConfirmLevel.TYPED_NAME_AND_REASON and not reason:
        reason = input(f"{indent}reason: ").strip()
    return Confirmation(typed=typed, reason=reason)
