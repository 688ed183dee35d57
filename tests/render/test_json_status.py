"""The document for scripts: what runs and where, in the plural, each with its own age."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from opsconsole.model.running.workloads import Place, PlaceKind, Update
from opsconsole.model.snapshot import Snapshot
from opsconsole.render.json.status import VERSION, status_document
from tests.ui import fleet
from tests.ui.fleet import NOW
from tests.workloads import engine, replica, workload

PAGE = Path(__file__).parents[2] / "docs" / "status-json.md"
OTHER = Place(PlaceKind.CLUSTER, "other")


def document(snapshot: Snapshot) -> Any:
    return json.loads(json.dumps(status_document(snapshot, snapshot.services, NOW)))


def two_places() -> Snapshot:
    """Two hosts and two engines, the second of each not heard of for a minute."""
    snapshot = fleet.on_fire()
    late = replace(snapshot.hosts[0], taken_at=NOW - 60)
    wanted = workload("stack_web", 1, 3, update=Update.PAUSED, said="2 failed")
    other = engine(
        replica("pod-1", place=OTHER), workloads=[wanted], place=OTHER, at=NOW - 60, interval=60.0
    )
    return replace(snapshot, hosts=(*snapshot.hosts, late), engines=(*snapshot.engines, other))


def test_every_host_and_every_engine_is_told_with_its_own_age() -> None:
    told = document(two_places())["resources"]
    assert [(each["age"], each["stale"]) for each in told["hosts"]] == [(1.0, False), (60.0, True)]
    assert [
        (each["kind"], each["name"], each["age"], each["stale"]) for each in told["engines"]
    ] == [("engine", "docker", 2.0, False), ("cluster", "other", 60.0, False)]


def test_what_is_wanted_and_how_its_update_goes_is_told() -> None:
    (wanted,) = document(two_places())["resources"]["engines"][1]["workloads"]
    assert (wanted["name"], wanted["wanted"], wanted["running"]) == ("stack_web", 3, 1)
    assert (wanted["update"], wanted["said"]) == ("paused", "2 failed")


def test_a_service_s_replicas_are_found_among_those_of_the_engines() -> None:
    told = document(fleet.on_fire())
    known = {one["id"] for each in told["resources"]["engines"] for one in each["replicas"]}
    (service,) = [each for each in told["services"] if each["name"] == "ai-service"]
    assert {"ai-service-1", "ai-service-2"} <= known & set(service["replicas"])
    assert service["instances"][0]["replicas"] == ["ai-service-1"]


def test_every_key_is_on_the_page() -> None:
    page = PAGE.read_text()
    told = document(two_places())
    places = told["resources"]
    parts = (
        told, places, places["hosts"][0], places["engines"][1], places["engines"][1]["replicas"][0],
        places["engines"][1]["workloads"][0], told["services"][0],
        told["services"][0]["instances"][0], told["sources"][0],
    )  # fmt: skip
    missing = {key for part in parts for key in part if f"`{key}`" not in page}
    assert missing == set()
    assert f"`version` is {VERSION}" in page
