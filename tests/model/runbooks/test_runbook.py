"""Which runbook an alert leads to, and words that are filled in."""

from dataclasses import replace

import pytest

from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.model.runbooks.runbook import RunbookView, StepKind, StepView, of_alert, worded

STEP = StepView("a", StepKind.TEXT, "look at {service}", text="{service} in {environment} {other}")
RECOVER = RunbookView("recover", "Recovery procedure", (STEP,), "", ("ShopDown",), ("shop",))
OTHERS = RunbookView("recover-till", "Recovery procedure", (STEP,), "", ("ShopDown",), ("till",))
GENERAL = RunbookView("anything", "Look around", (STEP,), "", ("DiskFull",))
ALL = (OTHERS, GENERAL, RECOVER)


def alert(**more: str) -> Alert:
    made = Alert("k", "ShopDown", Severity.CRITICAL, AlertState.FIRING, 0.0, service="shop")
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("about", "found"),
    [
        ({}, RECOVER),
        ({"service": "till"}, OTHERS),
        ({"service": "bank"}, None),
        ({"name": "Other"}, None),
        ({"name": "Other", "runbook": "recover"}, RECOVER),
        ({"name": "Other", "runbook": " recovery PROCEDURE "}, RECOVER),
        ({"name": "Other", "runbook": "https://wiki.example/books/recover/?v=2"}, RECOVER),
        ({"name": "Other", "runbook": "recover it somehow"}, None),
        ({"runbook": "restart"}, RECOVER),
        ({"name": "DiskFull", "service": ""}, GENERAL),
        ({"name": "DiskFull"}, GENERAL),
        ({"name": "Other", "service": "", "runbook": "recover-till"}, OTHERS),
    ],
)
def test_an_alert_leads_to_the_runbook_that_it_names_or_that_is_written_for_it(
    about: dict[str, str], found: RunbookView | None
) -> None:
    assert of_alert(ALL, alert(**about)) is found


def test_known_words_alone_are_filled_in_and_never_looked_at_again() -> None:
    step = worded(RECOVER, "shop", "{service}").steps[0]

    assert step.title == "look at shop"
    assert step.text == "shop in {service} {other}"
