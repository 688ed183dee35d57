"""Whether the expressions of alert rules can ever match anything.

Invariant: a finding on a configured rule file names that file and line. A rule that only the server
has loaded gives a finding only if its fix is known, since a rule for something that does not exist
(yet) is no mistake.
"""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Final

from opsconsole.config.files.problems import KeyPath, Position
from opsconsole.config.rule_files import load_rule_files
from opsconsole.config.settings import Prometheus
from opsconsole.inspection.finding import Finding, Weight, shown
from opsconsole.inspection.series import check_expression
from opsconsole.model.alerting.rules import FileRule
from opsconsole.sources.prometheus.series_index import SeriesIndex

LOADED_LIMIT: Final = 1000
"""Rules of a server that are looked at."""


async def check_rules(
    path: KeyPath, server: Prometheus, index: SeriesIndex, base: Path
) -> list[Finding]:
    """Findings on rule files and on the rules that ``server`` has loaded."""
    files = load_rule_files(server.rule_files, base)
    where: KeyPath = (*path, "rule_files")
    found = [
        Finding(
            where,
            Weight.ERROR,
            f"{problem.where}: {problem.message}" if problem.where else problem.message,
            problem.suggestion,
            Position(problem.file, problem.line, problem.column),
        )
        for problem in files.problems
    ]
    found += [
        Finding(
            where,
            Weight.WARNING,
            problem.message,
            problem.suggestion,
            Position(problem.file, problem.line, problem.column),
        )
        for problem in files.hints
    ]
    written = {rule.expr for rule in (*files.rules, *files.recorded)}
    loaded = [each for each in await index.rules() if each[1] not in written]
    looked = await asyncio.gather(
        *(_of_file_rule(where, rule, "alert", index) for rule in files.rules),
        *(_of_file_rule(where, rule, "record", index) for rule in files.recorded),
        *(_of_loaded_rule(path, *rule, index) for rule in loaded[:LOADED_LIMIT]),
    )
    return found + [finding for findings in looked for finding in findings]


async def _of_file_rule(
    path: KeyPath, rule: FileRule, kind: str, index: SeriesIndex
) -> list[Finding]:
    """An expression that the server refuses is an error; series that it does not find may come."""
    position = Position(rule.file, rule.line, 1)
    return [
        replace(
            finding,
            path=path,
            position=position,
            weight=Weight.WARNING if finding.guessed else finding.weight,
            message=f"{kind} {rule.name}: {finding.message}",
        )
        for finding in await check_expression(path, rule.expr, index)
    ]


async def _of_loaded_rule(
    path: KeyPath, name: str, expression: str, index: SeriesIndex
) -> list[Finding]:
    return [
        replace(
            finding,
            path=path,
            weight=Weight.NOTE if finding.guessed else Weight.WARNING,
            message=f"its rule {shown(name)}: {finding.message}",
        )
        for finding in await check_expression((*path, "promql"), expression, index)
        if finding.weight is Weight.ERROR and finding.remedy
    ]
