"""What a person waited to hear, in a sentence."""

from opsconsole.model.awaited import Answer, Awaited, AwaitedKind, Heard


def asked(awaited: Awaited) -> str:
    """What will be said, in the bottom line."""
    match awaited.kind:
        case AwaitedKind.OPERATION:
            return f"you will hear of the verdict of the {awaited.name}"
        case AwaitedKind.SERVICE:
            end = "is not well any more" if awaited.was_well else "is ok again"
            return f"you will hear when {awaited.name} {end}"
        case AwaitedKind.ALERT:
            end = "fires or is over" if awaited.was_well else "has resolved"
            return f"you will hear when {awaited.name} {end}"


def heard(answer: Answer) -> str:
    """``ai-service is ok again``, ``restart of shop: failed: no copy is well``."""
    name = answer.awaited.name
    match answer.heard:
        case Heard.DONE:
            return f"{name} is verified"
        case Heard.NOT_DONE:
            said = f"{name} was not verified"
        case Heard.BACK:
            over = answer.awaited.kind is AwaitedKind.ALERT
            return f"{name} has resolved" if over else f"{name} is ok again"
        case Heard.WRONG:
            fires = answer.awaited.kind is AwaitedKind.ALERT
            said = f"{name} fires" if fires else f"{name} is not well any more"
        case Heard.GONE:
            return f"{name} is not watched any more"
    return f"{said}: {answer.why}" if answer.why else said
