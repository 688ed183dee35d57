"""Figures of the host in conditions: of the fullest disk, as shares and as sizes, none stale."""

import re
from pathlib import Path

import pytest

from opsconsole.engine.figures.service_figures import holds
from opsconsole.engine.records.fleet import build_services
from opsconsole.engine.state.store import Store
from opsconsole.model.reading import Reading
from opsconsole.model.running.hosts import Disk, Host, HostView
from opsconsole.model.source_id import THIS_HOST
from opsconsole.model.written.expressions import BUILT_IN, Comparison, parse
from tests.engine.conftest import fleet

NOW = 1_700_000_000.0
HOST = Host(
    "here", 0.5, (0.5,), (3.0, 2.0, 1.0), 6 * 10**9, 8 * 10**9, 10**9, 4 * 10**9,
    (Disk("/", 50 * 10**9, 100 * 10**9), Disk("/data", 95 * 10**8, 10**10), Disk("/none", 0, 0)),
    None, None, 1000.0,
)  # fmt: skip
SERVICE = {"instances": ["http://10.0.0.1"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("disk > 90%", True), ("disk > 96%", False), ("disk > 49GB", True), ("disk > 51GB", False),
        ("disk_free < 6%", True), ("disk_free < 1GB", True), ("disk_free < 400MB", False),
        ("host_cpu > 40%", True), ("host_cpu > 60%", False), ("host_memory > 70%", True),
        ("host_memory > 7GB", False), ("host_swap > 20%", True), ("host_swap > 30%", False),
        ("host_load > 2", True), ("host_load > 3", False),
    ],
)  # fmt: skip
def test_a_condition_on_the_host(text: str, expected: bool) -> None:
    record = build_services(fleet({"api": SERVICE}), NOW, single=False)["api"]
    expression = parse(text)
    assert holds(record, expression, NOW) is None, "not seen yet"
    record.host = HostView(HOST, NOW, 2.0)
    assert holds(record, expression, NOW) is expected
    assert holds(record, expression, NOW + 60) is None, "stale"


def test_every_service_knows_the_host_that_was_seen() -> None:
    store = Store(fleet({"api": SERVICE, "web": {"instances": ["http://10.0.0.2"]}}), NOW)
    store.apply(Reading(THIS_HOST, NOW, 0.1, HOST))
    assert {record.host and record.host.host for record in store.services.values()} == {HOST}


def test_every_built_in_figure_has_an_example_in_the_page_that_can_be_read() -> None:
    page = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text()
    table = page.partition("## What `when:` takes")[2].partition("### On the screen")[0]
    written = set(re.findall(r"`([a-z_]+)`", table))
    assert written - {"requests"} <= set(BUILT_IN) | {"when"}
    for name in ("disk", "disk_free", "host_cpu", "host_memory", "host_swap", "host_load"):
        assert name in written
        assert isinstance(parse(f"{name} > {'3' if name == 'host_load' else '3%'}"), Comparison)
