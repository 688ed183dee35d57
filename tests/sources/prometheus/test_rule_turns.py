"""Rules of files at a server: many in one query, each in its turn, a broken one at its own cost."""

import json
import re
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.alerting.rules import FileRule
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.sources.prometheus import rule_turns
from opsconsole.sources.prometheus.rule_turns import RuleTurns, query_of
from opsconsole.sources.prometheus.server_api import refusal
from tests.servers.fixtures import MonitoringStack

MARKED = re.compile(r'label_replace\(\(([^\n]*)\n\), "opsconsole_rule", "(\d+)", "", ""\)')


class Server:
    """Answers ``good N`` with one sample of the value N, refuses ``bad``; each query takes a while.

    A query of many is refused as a whole where one of its parts is.
    """

    def __init__(self, clock: list[float] | None = None, takes: float = 0.0) -> None:
        self.asked: list[str] = []
        self._clock = clock
        self._takes = takes

    def get_json(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        assert path == "/api/v1/query"
        query = (params or {})["query"]
        self.asked.append(query)
        if self._clock is not None:
            self._clock[0] += self._takes
        parts = MARKED.findall(query) or [(query, None)]
        if any(text.startswith("bad") for text, _place in parts):
            said = json.dumps({"status": "error", "error": "parse error"}).encode()
            raise TransportFaultError.of(refusal(httpx.Response(400, content=said), "http://p"))
        result = [
            {
                "metric": {"n": text, **({"opsconsole_rule": place} if place else {})},
                "value": [0, text.split()[1]],
            }
            for text, place in parts
        ]
        return {"status": "success", "data": {"resultType": "vector", "result": result}}


def rules(*exprs: str) -> list[FileRule]:
    return [FileRule(f"Rule{number}", expr) for number, expr in enumerate(exprs)]


def soon() -> float:
    return time.monotonic() + 30.0


@given(st.lists(st.booleans(), max_size=80))
def test_a_broken_rule_costs_itself(sound: list[bool]) -> None:
    wanted = rules(*(f"{'good' if good else 'bad'} {n}" for n, good in enumerate(sound)))
    turns, server = RuleTurns(), Server()
    for _look in range(2):
        server.asked.clear()
        turn = turns.evaluate(server, wanted, soon())
        for number, (good, evaluation) in enumerate(zip(sound, turn.evaluations, strict=True)):
            if good:
                assert evaluation.samples is not None
                assert [each.value for each in evaluation.samples] == [number]
                assert dict(evaluation.samples[0].labels) == {"n": f"good {number}"}
            else:
                assert evaluation.samples is None
        bad = [rule for rule, good in zip(wanted, sound, strict=True) if not good]
        assert [rule for rule, _fault in turn.faults] == bad
        assert list(turn.unknown) == bad
    # Once it is known which ones are broken, the others are no longer divided because of them.
    assert len(server.asked) <= 2 * sound.count(False) + len(sound) / rule_turns.MOST + 1 + 6


def test_many_rules_are_one_query_and_the_same_expression_is_asked_once() -> None:
    server = Server()
    turn = RuleTurns().evaluate(server, rules(*["good 1", "good 2", "good 1"] * 8), soon())
    assert len(server.asked) == 1
    assert not turn.unknown
    assert server.asked[0].count("good 1") == 1


def test_every_rule_has_its_turn_however_short_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(rule_turns, "MOST", 1)
    wanted = rules(*(f"good {n}" for n in range(12)))
    turns, server = RuleTurns(), Server(now, takes=1.0)
    waiting = []
    for _look in range(6):
        turn = turns.evaluate(server, wanted, now[0] + 2.5)
        waiting.append(len(turn.unknown))
    assert waiting == [9, 6, 3, 0, 0, 0]
    assert sorted(server.asked[:12]) == sorted(rule.expr for rule in wanted)


def test_an_old_evaluation_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    turns, wanted = RuleTurns(), rules("good 1")
    assert turns.evaluate(Server(), wanted, now[0] + 5).unknown == ()
    now[0] += rule_turns.PATIENCE / 2
    assert turns.evaluate(Server(), wanted, now[0] - 1).unknown == ()
    now[0] += rule_turns.PATIENCE
    assert turns.evaluate(Server(), wanted, now[0] - 1).unknown == tuple(wanted)


def test_a_server_that_is_gone_is_not_asked_rule_by_rule() -> None:
    class Gone(Server):
        def get_json(self, path: str, params: Mapping[str, str] | None = None) -> Any:
            self.asked.append("")
            raise TransportFaultError(FaultKind.CONNECT, "refused")

    server = Gone()
    turn = RuleTurns().evaluate(server, rules(*(f"good {n}" for n in range(20))), soon())
    assert len(server.asked) == 1
    assert len(turn.unknown) == len(turn.faults) == 20


def test_a_real_prometheus_takes_many_as_one(monitoring_stack: MonitoringStack) -> None:
    url = monitoring_stack.prometheus().url
    exprs = [
        "vector(1) > 0  # as a comment ends",
        'label_replace(vector(2), "a", "b", "", "") or vector(3)',
        "absent(nothing_is_called_so)",
        "vector(1) > 5",
        "up{",
        "1 > bool 0",
        "time() > 0",
    ]

    class Plain:
        asked = 0

        def get_json(self, path: str, params: Mapping[str, str] | None = None) -> Any:
            self.asked += 1
            response = httpx.get(url + path, params=dict(params or {}), trust_env=False)
            if response.status_code != 200:
                raise TransportFaultError.of(refusal(response, url))
            return response.json()

    api, turns = Plain(), RuleTurns()
    for _look in range(2):
        api.asked = 0
        turn = turns.evaluate(api, rules(*exprs), soon())
        values = [
            None if each.samples is None else sorted(one.value for one in each.samples)
            for each in turn.evaluations
        ]
        assert values[:6] == [[1.0], [2.0, 3.0], [1.0], [], None, [1.0]]
        assert [rule.expr for rule in turn.unknown] == ["up{", "time() > 0"]
    assert query_of(exprs[:2]).count("label_replace((") == 2
