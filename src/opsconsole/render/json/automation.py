"""Automation as a JSON document for scripts. Times are Unix seconds."""

from opsconsole.model.maintenance import Maintenance
from opsconsole.model.remedies.automation import Automation
from opsconsole.model.remedies.episodes import Episode, Hand, HeldBack

Document = dict[str, object]


def automation_document(known: Automation) -> Document:
    """The remedies, the switch and the episodes, the latest first."""
    return {
        "off": None if known.switch.off is None else _hand(known.switch.off),
        "storm": known.switch.stormy_at is not None and known.switch.calm_at is None,
        "remedies": [
            {
                "name": rule.name,
                "service": rule.service,
                "action": rule.action,
                "mode": rule.mode.value,
                "when": rule.when,
                "breaker": known.breakers[rule.name].state.value
                if rule.name in known.breakers
                else "closed",
            }
            for rule in known.rules
        ],
        "episodes": [_episode(each) for each in known.episodes],
    }


def _episode(each: Episode) -> Document:
    return {
        "id": each.id,
        "remedy": each.rule,
        "service": each.service,
        "action": each.action,
        "mode": each.mode.value,
        "stage": each.stage.value,
        "since": each.since,
        "at": each.at,
        "evidence": list(each.evidence),
        "held": None if each.hold is None else _held(each.hold),
        "suggested_at": each.suggested_at,
        "asked_at": each.asked_at,
        "begins_at": each.counting_to,
        "stopped": None if each.stopped is None else _hand(each.stopped),
        "acted_at": each.acted_at,
        "operation": each.operation,
        "not_begun": None if each.not_begun is None else _held(each.not_begun),
        "verdict_at": each.verdict_at,
        "verdict": None if each.verdict is None else each.verdict.value,
        "ended_at": each.ended_at,
        "ended": None if each.ending is None else each.ending.value,
        "ended_by": each.ended_by,
    }


def _held(held: HeldBack) -> Document:
    return {"code": held.code.value, "at": held.at, "by": held.subject}


def _hand(hand: Hand) -> Document:
    return {"who": hand.who, "host": hand.host, "at": hand.at, "reason": hand.reason}


def maintenance_document(work: Maintenance, now: float) -> Document:
    """One maintenance, as ``maintenance list --json`` prints it."""
    return {
        "id": work.id,
        "services": list(work.services),
        "on": work.is_on(now),
        "starts_at": round(work.starts_at, 3),
        "ends_at": round(work.ends_at, 3),
        "reason": work.reason,
        "who": work.who,
        "host": work.host,
        "ended_by": work.ended_by,
    }
