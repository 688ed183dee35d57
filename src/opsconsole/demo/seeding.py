"""The files that each platform's guide expects in its folder, written before the first start.

Invariant: what is there already is left alone, so that a fleet started again in the same folder
keeps its models, flags and versions. Secrets are new for each fleet, mode 0600.
"""

from __future__ import annotations

import json
import os
import pickle
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Final

from opsconsole.demo.layout import Layout
from opsconsole.demo.platforms.ai_backend import FEATURES, MODELS
from opsconsole.demo.platforms.errorscope import MAP_FILE, METRICS_SECRET, MODEL_FILE

VERSIONS: Final = ("1.0.0", "1.1.0")

_MODEL_BYTES: Final = 48 * 1024
_ERROR_MAP: Final = {
    "ConnectionRefused": "check that the upstream listens, then restart it",
    "TimeoutError": "look at the upstream's latency before raising the timeout",
    "KeyError": "the payload lacks a field: compare with the schema's version",
    "OutOfMemory": "find what grew since the last deployment",
}
_ALERTS: Final = """\
groups:
  - name: errorscope_alerts
    rules:
      - alert: HighErrorRate
        expr: rate(errorscope_errors_total[5m]) > 10
        for: 5m
        labels: {severity: warning}
        annotations: {summary: High error rate detected}
      - alert: LowModelAccuracy
        expr: errorscope_model_accuracy < 0.8
        for: 1h
        labels: {severity: critical}
        annotations: {summary: Model accuracy below threshold}
      # The guide has the histogram itself here; a quantile needs the rate of its buckets.
      - alert: HighLLMLatency
        expr: histogram_quantile(0.95, rate(errorscope_llm_latency_seconds_bucket[5m])) > 2
        for: 15m
        labels: {severity: warning}
        annotations: {summary: LLM response time degraded}
"""


def seed(layout: Layout) -> None:
    """Write every platform's files."""
    _seed_errorscope(layout.of("errorscope")[0].folder)
    _seed_ai_operations(layout.of("ai-ops")[0].folder)
    _seed_ai_backend(layout.of("ai-backend")[0].folder)


def _write(path: Path, content: bytes | str, mode: int = 0o644) -> None:
    """Write a file that is not there yet, readable from the start by no more than `mode` says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _seed_errorscope(folder: Path) -> None:
    model = {"version": "2.4.1", "weights": secrets.token_bytes(_MODEL_BYTES)}
    _write(folder / MODEL_FILE, pickle.dumps(model))
    _write(folder / MAP_FILE, json.dumps(_ERROR_MAP, indent=2))
    _write(folder / "config.py", f'MODEL_STORAGE_PATH = "models_storage/"\nMAP = "{MAP_FILE}"\n')
    _write(folder / ".env", f"GOOGLE_API_KEY=demo-{secrets.token_hex(12)}\n", 0o600)
    _write(folder / METRICS_SECRET, secrets.token_urlsafe(16) + "\n", 0o600)
    _write(folder / "alerts.yml", _ALERTS)


def _seed_ai_backend(folder: Path) -> None:
    flags = "".join(f"{name}=true\n" for name in FEATURES)
    _write(folder / ".env", f"{flags}MODEL_CACHE_SIZE=5\nDATABASE_MAX_CONNECTIONS=20\n", 0o600)
    for kind, _ in FEATURES.values():
        _write(folder / MODELS / f"{kind}.bin", secrets.token_bytes(_MODEL_BYTES))


def _seed_ai_operations(folder: Path) -> None:
    key = secrets.token_hex(12)
    _write(folder / ".env", f"OPENAI_API_KEY=demo-{key}\nGITHUB_TOKEN=demo-{key}\n", 0o600)
    git = shutil.which("git")
    if git is None or (folder / ".git").exists():
        _write(folder / "VERSION", VERSIONS[-1] + "\n")
        return
    _write(folder / ".gitignore", ".env\napp.log*\n")
    _git(git, folder, "init", "--quiet", "--initial-branch=main")
    for version in VERSIONS:
        (folder / "VERSION").write_text(version + "\n", encoding="utf-8")
        _git(git, folder, "add", "--all")
        _git(git, folder, "commit", "--quiet", "--message", f"Release {version}")
        _git(git, folder, "tag", f"v{version}")


def _git(git: str, folder: Path, *arguments: str) -> None:
    """Run git as nobody in particular, without the user's own settings, hooks or signing."""
    who = {"NAME": "demo", "EMAIL": "demo@localhost"}
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
        **{f"GIT_AUTHOR_{key}": value for key, value in who.items()},
        **{f"GIT_COMMITTER_{key}": value for key, value in who.items()},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    subprocess.run(
        [git, *arguments], cwd=folder, env=environment, check=True, capture_output=True, timeout=20
    )
