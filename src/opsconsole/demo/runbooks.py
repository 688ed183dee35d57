"""The demo's runbooks: short enough to be run to their end while one looks.

Invariant: each refers only to what the demo's configuration declares.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from opsconsole.render.yaml_text import render

FOLDER: Final = "runbooks"
_HEALTHY: Final = {"http": {"get": "/health", "status": [200]}}
_LOG: Final = {"ask": "The log (l, then e) shows no new errors?", "expect": "yes"}

Steps = list[dict[str, object]]


def write(folder: Path, *, rollback: bool) -> None:
    """Write the runbooks beside the configuration in ``folder``.

    ``rollback`` says whether ai-ops can be rolled back here.
    """
    place = folder / FOLDER
    place.mkdir(mode=0o700, exist_ok=True)
    for name, runbook in runbooks(rollback=rollback).items():
        path = place / f"{name}.yaml"
        path.unlink(missing_ok=True)
        path.touch(0o600, exist_ok=False)
        path.write_text("\n".join(render(runbook)) + "\n", encoding="utf-8")


def runbooks(*, rollback: bool) -> dict[str, Mapping[str, object]]:
    """Each by its name."""
    found: dict[str, Mapping[str, object]] = {
        "recovery": _recovery(),
        "restart": _restart(),
        "restore-model": _restore_model(),
        "post-deployment": _post_deployment(),
        "pre-launch": _pre_launch(),
    }
    return {**found, "rollback": _rollback()} if rollback else found


def _recovery() -> Mapping[str, object]:
    steps: Steps = [
        {
            "id": "look",
            "title": "inform the others, and look first",
            "text": "Say in the incident's channel that {service} is being recovered. "
            "Look at its log first (l): a provider that refuses us is no fault of ours.",
        },
        {"id": "backup", "title": "back up the present .env", "operation": "backup"},
        {
            "id": "restore",
            "title": "put back the .env of a good backup",
            "text": "Only where .env is damaged; skip it (s) otherwise.",
            "operation": "restore",
            "optional": True,
        },
        {"id": "restart", "operation": "restart"},
        {"id": "health", "title": "the health check passes", "check": _HEALTHY},
        {"id": "settled", "wait": {"for": "10s", "while": "state == ok", "every": "1s"}},
        {"id": "log", "question": _LOG},
    ]
    return _book("recovery procedure", "Bring ai-ops back with the keys that it had.", steps,
                 services=["ai-ops"], when=["AiOpsDown"])  # fmt: skip


def _restart() -> Mapping[str, object]:
    steps: Steps = [
        {"id": "restart", "title": "restart {service}", "operation": "restart"},
        {"id": "health", "check": _HEALTHY},
        {"id": "settled", "wait": {"for": "10s", "while": "state == ok", "every": "1s"}},
        {"id": "log", "question": _LOG, "optional": True},
    ]
    services = ["ai-backend", "ai-service", "errorscope", "oatie"]
    return _book("restart", "The shortest way back for {service}.", steps, services=services)


def _restore_model() -> Mapping[str, object]:
    steps: Steps = [
        {"id": "accuracy", "check": "accuracy >= 0.8", "on_failure": "continue"},
        {"id": "backup", "title": "keep the present model", "operation": "backup"},
        {"id": "restore", "title": "choose a good backup", "operation": "restore"},
        {"id": "restart", "title": "load the model", "operation": "restart"},
        {"id": "model", "check": {"state": "ok", "component": "ml_model"}},
    ]
    return _book("restore the model", "Go back to a model that was right more often.", steps,
                 services=["errorscope"])  # fmt: skip


def _post_deployment() -> Mapping[str, object]:
    steps: Steps = [
        {"id": "half-hour", "wait": {"for": "30m", "while": "state == ok", "every": "10s"}},
        {"id": "log", "question": _LOG},
        {"id": "day", "wait": {"for": "24h", "while": "error_rate < 5%", "every": "1m"}},
        {"id": "announce", "text": "Inform the users what is new."},
    ]
    services = ["ai-backend", "ai-ops", "ai-service", "errorscope", "oatie"]
    purpose = "30 minutes close by, then 24 hours from afar."
    return _book("post-deployment watch", purpose, steps, services=services)


def _pre_launch() -> Mapping[str, object]:
    tests: Steps = [
        {"id": name, "operation": {"action": "test", "name": name}}
        for name in ("database", "redis", "ml_models")
    ]
    steps: Steps = [
        {"id": "live", "check": {"http": "/health/live"}},
        {"id": "ready", "check": {"http": "/health/ready"}},
        *tests,
        {"id": "cache", "check": "cache > 0.8", "on_failure": "continue"},
        {"id": "metrics", "check": {"http": {"get": "/metrics", "contains": "ai_backend"}}},
        {"id": "flags", "question": {"ask": "Are the feature flags as wanted?", "expect": "yes"}},
    ]
    return _book("pre-launch validation", "All that has to be true before the first user.", steps,
                 services=["ai-backend"])  # fmt: skip


def _rollback() -> Mapping[str, object]:
    steps: Steps = [
        {"id": "worked", "question": {"ask": "Which tag worked last?", "answers": "text"}},
        {
            "id": "rollback",
            "text": "The plan names the tag: compare it with your answer before you confirm.",
            "operation": "rollback",
        },
        {"id": "health", "title": "the health check passes", "check": _HEALTHY},
    ]
    return _book("rollback to a tag", "Go back to the version that worked.", steps,
                 services=["ai-ops"])  # fmt: skip


def _book(
    title: str, purpose: str, steps: Steps, *, services: list[str], when: list[str] | None = None
) -> Mapping[str, object]:
    return {
        "title": title, "purpose": purpose, "when": when, "services": services, "steps": steps,
    }  # fmt: skip
