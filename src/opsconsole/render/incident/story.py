"""The story of an incident in sentences: what, when, how long, who was affected, why, what was
done, whether it helped.

Invariant: a sentence says only what was seen: the likeliest cause is called that, an operation
helped only if the service was ok afterwards and stayed ok, and unknown things are called unknown.
Outside text is escaped for Markdown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from opsconsole.model.alerting.silences import ACK_PREFIX, shown
from opsconsole.model.causes import Cause
from opsconsole.model.events import Event
from opsconsole.model.operation import SILENCING, ActionKind, Operation, OperationState
from opsconsole.model.past.reported import Affected, AlertSpan, Reported
from opsconsole.model.state import State
from opsconsole.render.alerts.silence_words import is_about_alerts, of_run
from opsconsole.render.ink import figures
from opsconsole.render.markdown import code, escape
from opsconsole.render.timeline.words import words

GAPS = 5
"""The most stretches of time named in which nobody looked."""


def story(incident: Reported) -> list[str]:
    """The summary, a paragraph each."""
    main = incident.main
    if main is None:
        return [_nothing(incident), *_done(incident)]
    return [
        " ".join((_what(incident, main), *_again(incident, main), *_others(incident, main))),
        *_why(incident),
        *_rang(incident, main),
        *_times(incident, main),
        *_quieted(incident),
        *_done(incident),
    ]


def clock(at: float) -> str:
    """A time of day with its zone."""
    return f"{figures.zoned(at)}"


def sentence(event: Event) -> str:
    """An event as a part of a sentence, escaped."""
    return escape(words(event))


def _span(incident: Reported) -> str:
    return f"{clock(incident.since)} and {clock(incident.until)} on {figures.date(incident.since)}"


def _nothing(incident: Reported) -> str:
    """Says that nothing went wrong while the console looked, or that it did not look."""
    if incident.seen_from is None:
        names = [code(each) for each in (incident.service, *incident.others) if each]
        whom = " or ".join(names) or "any service"
        return (
            f"It is unknown whether {whom} went wrong between {_span(incident)}: nothing was seen."
        )
    whom = code(incident.service) if incident.service else "No service"
    did = "did not go" if incident.service else "went"
    seen = replace(incident, since=max(incident.since, incident.seen_from))
    known = "is known to have gone" if incident.gaps and not incident.service else did
    return f"{whom} {known} wrong between {_span(seen)}.{_unseen(incident)}"


def _unseen(incident: Reported) -> str:
    """What was not looked at: whole stretches of time, and single services."""
    said = ""
    if incident.gaps:
        parts = [f"from {clock(each.begin)} to {clock(each.end)}" for each in incident.gaps[:GAPS]]
        more = len(incident.gaps) - len(parts)
        rest = f" and {more} times more" if more else ""
        said += f" Nobody looked {', '.join(parts)}{rest}."
    if incident.blind:
        said += f" Not always known: {', '.join(code(each) for each in incident.blind)}."
    return said


def _at(moment: float, unseen: float) -> str:
    """``at 09:13:20Z``; where nobody looked just before, between which moments."""
    if unseen:
        return f"between {clock(moment - unseen)} and {clock(moment)}"
    return f"at {clock(moment)}"


def _what(incident: Reported, main: Affected) -> str:
    when = f"{_at(main.began_at, main.began_unseen)} on {figures.date(main.began_at)}"
    was = "was down" if main.worst is State.DOWN else "was degraded"
    if main.ended_at is None:
        lasted = figures.age(incident.until - main.began_at)
        end = f"it was still wrong {lasted} later, when this report ends"
    else:
        lasted = figures.age(main.ended_at - main.began_at)
        end = f"it was ok again {_at(main.ended_at, main.ended_unseen)}, {lasted} later"
    return f"{code(main.service)} went wrong {when}; at its worst it {was}, and {end}."


def _again(incident: Reported, main: Affected) -> Iterator[str]:
    """The other times at which it was wrong."""
    said: list[str] = []
    for each in incident.affected:
        if each.service == main.service and each is not main:
            lasted = (each.ended_at or incident.until) - each.began_at
            said.append(f"at {clock(each.began_at)} for {figures.age(lasted)}")
    if said:
        yield f"It was wrong as well {', '.join(said)}."


def _others(incident: Reported, main: Affected) -> Iterator[str]:
    others = [each for each in incident.affected if each.service != main.service]
    names = list(dict.fromkeys(each.service for each in others))
    if not names:
        unseen = _unseen(incident)
        sure = "is known to have been" if unseen else "was"
        about = "connected with it " if incident.service else ""
        yield f"No other service {about}{sure} affected.{unseen}"
        return
    through = {each.service for each in others if main.service in each.needs}
    needs = f" (which needs {code(main.service)})"
    said = [code(name) + (needs if name in through else "") for name in names]
    yield f"Also affected: {', '.join(said)}.{_unseen(incident)}"
    going_on = {each.service for each in others if each.ended_at is None}
    if going_on:
        still = [code(name) for name in names if name in going_on]
        yield f"Still wrong when this report ends: {', '.join(still)}."


def _why(incident: Reported) -> Iterator[str]:
    changes = incident.changes
    if changes is None:
        return
    if not changes.likely:
        minutes = round((changes.until - changes.since) / 60)
        yield f"Nothing is known to have changed in the {minutes} minutes before."
        return
    first, *rest = changes.likely
    said = f"The likeliest cause is what changed before: {_cause(first)}."
    then = "; ".join(_cause(each) for each in rest[:2])
    yield f"{said} After it: {then}." if then else said


def _cause(cause: Cause) -> str:
    event = cause.event
    whose = event.subject or event.service
    about = f" of {code(whose)}" if whose else ""
    times = f", {cause.count} times" if cause.count > 1 else ""
    reason = escape(cause.reason)
    return f"{sentence(event)}{about} at {clock(event.at)}{times} ({reason})"


def _rang(incident: Reported, main: Affected) -> Iterator[str]:
    start = main.began_at
    rang = [each for each in incident.alerts if each.began_at is not None]
    before = [each for each in incident.alerts if each.began_at is None]
    if before:
        names = ", ".join(dict.fromkeys(f"{code(each.name)}" for each in before))
        yield f"Firing already when the report begins: {names}. {_still(before)}"
    if not rang:
        yield "No other alert fired." if before else "No alert fired."
        return
    first = min(rang, key=lambda each: each.began_at or 0.0)
    after = (first.began_at or 0.0) - start
    wrong = "it was first seen to be wrong" if main.began_unseen else "it went wrong"
    when = f"{figures.age(abs(after))} {'after' if after >= 0 else 'before'} {wrong}"
    names = ", ".join(dict.fromkeys(f"{code(each.name)}" for each in rang))
    many = "alert" if len(rang) == 1 else "alerts"
    yield f"{len(rang)} {many} fired ({names}), the first {when}. {_still(rang)}".rstrip()


def _still(rang: Sequence[AlertSpan]) -> str:
    firing = [each for each in rang if each.ended_at is None]
    if not firing:
        return "All of them are resolved."
    return f"Still firing at the end: {', '.join(f'{code(each.name)}' for each in firing)}."


def _times(incident: Reported, main: Affected) -> Iterator[str]:
    """How long it took to detect, to acknowledge and to resolve it, as far as that is known."""
    start = main.began_at
    ends = [each for each in incident.alerts if each.ended_at is None or each.ended_at > start]
    if not ends and main.ended_at is None:
        return
    said: list[str] = []
    first = min(ends, key=lambda each: each.began_at or 0.0, default=None)
    if first is None:
        said.append("no alert detected it")
    else:
        took = figures.age(max(0.0, (first.began_at or 0.0) - start))
        said.append(f"an alert fired after {took} ({code(first.name)})")
    said.append(_acknowledged(incident, start))
    if main.ended_at is None:
        said.append("not resolved when this report ends")
    else:
        said.append(f"resolved after {figures.age(main.ended_at - start)}")
    counted = ", from when it was first seen to be wrong" if main.began_unseen else ""
    yield f"Times{counted}: {', '.join(said)}."


def _acknowledged(incident: Reported, start: float) -> str:
    done = [
        (run.ended_at or run.started_at, run.who)
        for run in incident.operations
        if run.kind is ActionKind.ACKNOWLEDGE and run.state is OperationState.VERIFIED
    ]
    done += [
        (each.starts_at, each.by.partition("@")[0])
        for each in incident.silences
        if each.acknowledges and each.starts_at is not None
    ]
    after = [each for each in done if each[0] >= start]
    if not after:
        return "acknowledged before it began" if done else "not acknowledged"
    at, who = min(after)
    return f"acknowledged after {figures.age(at - start)} (by {escape(who)})"


def _quieted(incident: Reported) -> Iterator[str]:
    """Who silenced what, where it was not done from a console of this state."""
    own = {
        (run.reason, run.kind is ActionKind.ACKNOWLEDGE)
        for run in incident.operations
        if run.kind in SILENCING
    }
    for each in incident.silences:
        comment = each.comment.removeprefix(ACK_PREFIX)
        if (comment, each.acknowledges) in own:
            continue
        verb = "acknowledged" if each.acknowledges else "silenced"
        began = f" at {clock(each.starts_at)}" if each.starts_at is not None else ""
        end = f", until {clock(each.ends_at)}" if each.ends_at is not None else ""
        why = f" (“{escape(comment)}”)" if comment else ""
        yield f"{escape(each.by)} {verb} {code(shown(each.matchers))}{began}{end}{why}."


def _done(incident: Reported) -> Iterator[str]:
    runs = [run for run in incident.operations if run.state is not OperationState.REFUSED]
    refused = len(incident.operations) - len(runs)
    if not runs:
        tried = f" {refused} were refused." if refused else ""
        yield f"Nothing was done from a console.{tried}"
        return
    yield " ".join(f"{_run(run)} {_helped(run, incident)}".strip() for run in runs)


def _run(run: Operation) -> str:
    if is_about_alerts(run.kind):
        return f"{escape(of_run(run))} at {clock(run.ended_at or run.started_at)}."
    name = f" {run.name}" if run.name and run.name != run.kind.value else ""
    why = f" (“{escape(run.reason)}”)" if run.reason else ""
    settled = run.state.final or run.state is OperationState.UNKNOWN
    verdict = f"verdict {run.state.value}" if settled else "no verdict yet"
    said = f": {escape(run.summary)}" if run.summary else ""
    when = f"at {clock(run.started_at)}"
    what = f"{run.kind.value}{escape(name)} of {code(run.service)}"
    return f"{escape(run.who)} began {what} {when}{why}; {verdict}{said}."


def _helped(run: Operation, incident: Reported) -> str:
    """Whether the service was ok after the run and stayed ok; '' if it was ok before."""
    mine = [each for each in incident.affected if each.service == run.service]
    wrong = [
        each
        for each in mine
        if each.began_at <= run.started_at and (each.ended_at or incident.until) >= run.started_at
    ]
    if not wrong or run.kind in SILENCING:
        return ""
    ended = wrong[-1].ended_at
    if ended is None:
        return f"It did not help: {code(run.service)} was still wrong at the end."
    took = figures.age(ended - run.started_at)
    again = [each for each in mine if each.began_at >= ended]
    if again:
        lasted = figures.age(again[0].began_at - ended)
        return f"{code(run.service)} was ok {took} later, but went wrong again after {lasted}."
    return f"It helped: {code(run.service)} was ok {took} later and stayed so."
