"""What is said of a cluster that does not answer."""

import json
from pathlib import Path

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.inspection.finding import Weight
from opsconsole.inspection.inspection import inspect


def test_a_cluster_that_refuses_is_named_by_its_context(tmp_path: Path) -> None:
    given = {
        "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "a", "user": {}}],
        "contexts": [{"name": "prod", "context": {"cluster": "a", "user": "a"}}],
        "current-context": "prod",
    }
    (tmp_path / "config").write_text(json.dumps(given))
    (tmp_path / "config").chmod(0o600)
    settings = Settings.model_validate({"docker": [], "kubernetes": {"kubeconfig": "config"}})
    (found,) = inspect(settings, base=tmp_path, clock=SystemClock(), environ={})
    assert (found.path, found.weight) == (("kubernetes", 0), Weight.ERROR)
    assert "context prod: " in found.message
    assert "connection refused by 127.0.0.1:1" in found.message
