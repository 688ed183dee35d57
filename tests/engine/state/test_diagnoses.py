"""What nobody has read yet is diagnosed once for all that are alike, and says the same."""

from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from opsconsole.engine.state import diagnoses
from opsconsole.model.snapshot import ServiceView
from tests.fakes import FakeClock

SERVICES: dict[str, dict[str, Any]] = {
    "web": {"job": "web"},
    "api": {"job": "api"},
    "shop": {"job": "shop", "group": "shop", "team": "ours"},
    "needy": {"job": "needy", "depends_on": ["web"]},
    "promised": {"job": "promised", "objectives": ["availability >= 99%"]},
    "unserved": {"containers": ["unserved"]},
    "looked-at": {"instances": ["http://127.0.0.1:1"]},
    "looked-at-too": {"instances": ["http://127.0.0.1:2"]},
    "two": {"instances": ["http://127.0.0.1:3", "http://127.0.0.1:4"]},
}


def opened() -> dict[str, ServiceView]:
    settings = Settings.model_validate(
        {
            "prometheus": {"url": "http://127.0.0.1:1"},
            "docker": [],
            "host": {"enabled": False},
            "services": SERVICES,
        }
    )
    engine = Engine(settings, base=Path(), clock=FakeClock())
    return {each.name: each for each in engine.latest.services}


def test_what_nobody_read_yet_has_the_diagnosis_that_it_would_have_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = opened()
    assert together["web"].diagnosis is together["api"].diagnosis, "made once"
    monkeypatch.setattr(diagnoses, "_unread_alike", lambda service, known: None)
    alone = opened()
    assert alone["web"].diagnosis is not alone["api"].diagnosis
    for name, view in together.items():
        assert view.diagnosis.explanations, name
        assert view == alone[name]
