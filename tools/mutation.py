"""``python -m tools.mutation [TARGET …]``: would the tests notice a wrong change?

Comparisons, conditions, operators and returned values are turned round, one at a time, in what
judges and reads; then the tests of that part are run. What they do not notice is listed with its
line, for a person to say whether a test is missing or the change means nothing.
"""

import argparse
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.mutant import VARIABLE, changed

ROOT: Final = Path(__file__).parents[1]
SOURCE: Final = ROOT / "src"
LEAST: Final = 0.9
"""The part of the changes that has to be noticed."""

_LIMIT: Final = 300.0
"""Seconds after which a run that does not end counts as having noticed."""


@dataclass(frozen=True, slots=True)
class Target:
    """Files below ``src/opsconsole`` (patterns) and the tests that should notice."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]


_PLANNING: Final = "tests/operations/planning"
_RUNNING: Final = "tests/operations/running"

TARGETS: Final[dict[str, Target]] = {
    "judge": Target(("engine/judge/*.py",), ("tests/engine/judge",)),
    "diagnosis": Target(("engine/judge/diagnosis/*.py",), ("tests/engine/judge/diagnosis",)),
    "policy": Target(("operations/planning/policy.py",), (f"{_PLANNING}/test_policy.py",)),
    "planning": Target(
        (
            "operations/planning/declared.py",
            "operations/planning/planner.py",
            "operations/planning/policy_facts.py",
        ),
        (
            f"{_PLANNING}/test_declared.py",
            f"{_PLANNING}/test_planner.py",
            f"{_PLANNING}/test_policy_facts.py",
        ),
    ),
    "silencing": Target(
        ("model/alerting/silence_requests.py",),
        ("tests/model/alerting/test_silence_requests.py",),
    ),
    "context": Target(
        ("operations/planning/plan_context.py",), (f"{_PLANNING}/test_plan_context.py",)
    ),
    "registry": Target(
        ("operations/drivers/registry.py",), ("tests/operations/drivers/test_registry.py",)
    ),
    "kubernetes": Target(
        tuple(
            f"operations/drivers/kubernetes/{name}.py"
            for name in (
                *("differences", "nodes", "patches", "pods", "revisions", "rollout"),
                *("undoers", "workload_driver", "workloads"),
            )
        ),
        tuple(
            f"tests/operations/drivers/kubernetes/test_{name}.py"
            for name in (
                *("differences", "nodes", "pods", "revisions", "rollout", "undoers"),
                *("drain", "changing", "looking", "workloads"),
            )
        ),
    ),
    "reflector": Target(
        ("sources/kubernetes/reflector.py",),
        tuple(f"tests/sources/kubernetes/test_reflector{name}.py" for name in ("", "_at_random")),
    ),
    "kubeconfig": Target(
        ("sources/kubernetes/api/kubeconfig.py", "sources/kubernetes/api/exec_plugin.py"),
        tuple(
            f"tests/sources/kubernetes/api/test_{name}.py"
            for name in ("kubeconfig", "exec_plugin", "access")
        ),
    ),
    "evidence": Target(
        ("operations/running/evidence.py", "operations/running/verification.py"),
        (f"{_RUNNING}/test_evidence.py", f"{_RUNNING}/test_verification.py"),
    ),
    "running": Target(
        ("operations/running/dispatch.py", "operations/running/execution.py"),
        (f"{_RUNNING}/test_dispatch.py", f"{_RUNNING}/test_execution.py"),
    ),
    "runner": Target(("operations/running/runner.py",), (f"{_RUNNING}/test_runner.py",)),
    "promises": Target(
        ("operations/promises/*.py",),
        tuple(
            f"tests/operations/promises/test_{name}.py"
            for name in ("due", "left_to_others", "promising")
        ),
    ),
    "keeping": Target(
        tuple(f"operations/keeping/{name}_rule.py" for name in ("end", "rollback")),
        ("tests/operations/keeping/test_rules.py",),
    ),
    "watching": Target(
        ("operations/keeping/watch_rule.py",), ("tests/operations/keeping/test_watch_rule.py",)
    ),
    "keeper": Target(
        ("operations/keeping/keeper.py",), ("tests/operations/keeping/test_keeper.py",)
    ),
    "links": Target(("links.py",), ("tests/test_links.py",)),
    "hiding": Target(("hiding.py",), ("tests/test_hiding.py",)),
    "discovery": Target(("discovery/docker.py",), ("tests/discovery/test_docker.py",)),
    "text": Target(("text.py",), ("tests/test_text.py",)),
    "health": Target(
        tuple(
            f"sources/health/{name}.py"
            for name in ("body", "expect", "figures", "status", "text", "tree", "words")
        ),
        tuple(
            f"tests/sources/health/test_{name}.py"
            for name in ("bodies", "body", "expect", "figures", "not_of_health")
        ),
    ),
    "metrics": Target(
        tuple(f"sources/metrics/{name}.py" for name in ("exposition", "quantiles", "rates")),
        tuple(
            f"tests/sources/metrics/test_{name}.py" for name in ("exposition", "quantiles", "rates")
        ),
    ),
    "logs": Target(
        tuple(f"sources/logs/{name}.py" for name in ("json_line", "levels", "line", "stamps")),
        ("tests/sources/logs/test_log_line.py",),
    ),
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module."""

    path: Path
    number: int
    line: int
    what: str

    @property
    def module(self) -> str:
        """Its dotted name."""
        return ".".join(self.path.relative_to(SOURCE).with_suffix("").parts)

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} {self.what}"


def mutants(patterns: Iterable[str]) -> list[Mutant]:
    """Every change of the files that ``patterns`` name."""
    found: list[Mutant] = []
    for pattern in patterns:
        for path in sorted((SOURCE / "opsconsole").glob(pattern)):
            changes = changed(path.read_text(encoding="utf-8"), -1)[1].found
            found += [
                Mutant(path, number, line, what) for number, (what, line) in enumerate(changes)
            ]
    return found


def is_noticed(mutant: Mutant, tests: Sequence[str]) -> bool:
    """Whether any of ``tests`` fails with the change."""
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "tools.mutant",
        "-p",
        "no:cacheprovider",
        "-m",
        "not servers and not terminal",
    ]
    try:
        ran = subprocess.run(
            [*argv, *tests],
            cwd=ROOT,
            env={**os.environ, VARIABLE: f"{mutant.module}:{mutant.number}"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    return ran.returncode != 0


def tried(name: str, sample: int, chance: random.Random, workers: int) -> float:
    """Try ``sample`` changes of a target (0: all), say what was missed; the part noticed."""
    target = TARGETS[name]
    chosen = mutants(target.sources)
    if sample and sample < len(chosen):
        chosen = chance.sample(chosen, sample)
    with ThreadPoolExecutor(workers) as pool:
        noticed = list(pool.map(lambda each: is_noticed(each, target.tests), chosen))
    part = sum(noticed) / len(noticed)
    print(f"{name}: {sum(noticed)} of {len(noticed)} changes noticed, {part:.0%}", flush=True)
    for mutant, seen in zip(chosen, noticed, strict=True):
        if not seen:
            print(f"  not noticed: {mutant}", flush=True)
    return part


def main() -> int:
    """Exit 1 where too few were noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--sample", type=int, default=10, help="changes of each target; 0: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    unknown = [name for name in asked.targets if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {unknown[0]}")
    chance = random.Random(asked.seed)
    parts = [tried(name, asked.sample, chance, asked.workers) for name in asked.targets or TARGETS]
    return int(min(parts) < LEAST)


if __name__ == "__main__":
    sys.exit(main())
