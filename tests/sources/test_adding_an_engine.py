"""A made-up engine: what is written as every source is, also finds, pins and refuses as Docker's.

The places are those that the page names for every source, and no other.
"""

import json
import re
from pathlib import Path

import pytest

from tests.program_copy import Copy, places_on

ALWAYS = 4
"""How many of the places on the page every source is written in."""

_SETTING = '''class Nest(Model):
    """A file with the names of what runs, a line each."""

    file: Text = Field(description="The file.")
    name: Name = Field(default="nest", description="To tell several apart.")
    interval: Duration = Field(default=5.0, description="Time between two looks.")
    enabled: bool = Field(default=True, description="Whether it is looked at.")


'''
_FIELD = """    nest: Annotated[tuple[Nest, ...], BeforeValidator(as_tuple), OneOrMany] = Field(
        default=(), description="Nests."
    )
"""
_READS = """            case SourceKind.NEST:
                return source.name in self.engines
"""
_SOURCE = '''"""What runs in a nest."""

from pathlib import Path

from opsconsole.clock import Clock
from opsconsole.config.settings import Nest
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.reading import Reading
from opsconsole.model.running.workloads import Inventory, Phase, Place, PlaceKind, Replica
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.sources.base import Source


class NestSource(Source[Inventory]):
    def __init__(self, nest: Nest, clock: Clock) -> None:
        self._nest, self._clock = nest, clock

    @property
    def id(self) -> SourceId:
        return SourceId(SourceKind.NEST, self._nest.name)

    @property
    def interval(self) -> float:
        return self._nest.interval

    @property
    def endpoint(self) -> str:
        return self._nest.file

    async def collect(self) -> Reading[Inventory]:
        now, place = self._clock.now(), Place(PlaceKind.CLUSTER, self._nest.name)
        try:
            names = Path(self._nest.file).read_text().split()
        except OSError:
            return Reading(self.id, now, 0.0, fault=Fault(FaultKind.LOCAL, "no nest is there"))
        found = tuple(
            Replica(f"{place.name}:{name}", name, "egg", place, "laid", Phase.RUNNING, State.OK)
            for name in names
        )
        return Reading(self.id, now, 0.0, Inventory(place, self._nest.file, "1", found))

    async def close(self) -> None:
        pass
'''
_MADE = """    for nest in settings.nest:
        if nest.enabled:
            yield SourceId(SourceKind.NEST, nest.name), partial(_nest, nest, clock)
"""
_MAKE = """def _nest(nest: Nest, clock: Clock) -> AnySource:
    from opsconsole.sources.nest import NestSource

    return NestSource(nest, clock)


"""
_CONFIG = """
docker: []
host: {{enabled: false}}
nest: [{{name: oak, file: {oak}}}, {{name: elm, file: {elm}}}]
services:
  web:
    containers: [web]
    engine: {engine}
    health: null
    actions:
      restart: {{docker: {{containers: [web]}}}}
"""
_DIGEST = """
import sys
from pathlib import Path
from opsconsole.config.loader import load
from opsconsole.model.operation import ActionKind
from opsconsole.operations.planning.declared import digest, find
settings = load(Path(sys.argv[1]))
print(digest(settings, find(settings, "web", ActionKind.RESTART, "")))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    copy = Copy(tmp_path / "copy")
    settings, kinds, assemble = "config/settings.py", "model/source_id.py", "engine/assemble.py"
    copy.put(settings, _SETTING, before="class Operations(Model)")
    copy.put(settings, _FIELD, before="    host: HostSettings = Field(")
    copy.put(settings, _READS, before="            case SourceKind.PROMETHEUS:\n")
    copy.put(
        settings, " | tuple[Nest, ...]", after="def places(self) -> dict[str, tuple[Docker, ...]"
    )
    copy.put(settings, ', "nest": self.nest', after='return {"docker": self.docker')
    copy.put(kinds, '    NEST = "nest"\n', before="    LOCAL =")
    copy.put(kinds, "SourceKind.NEST, ", after="_TELL_REPLICAS = frozenset({")
    copy.put(kinds, "SourceKind.NEST, ", after="_SHOW_RESOURCES = frozenset({")
    copy.put("sources/nest.py", _SOURCE)
    copy.put(assemble, "Nest, ", after="config.settings import Alertmanager, ")
    copy.put(assemble, _MAKE, before="def places(")
    copy.put(assemble, _MADE, before="    for docker in settings.docker:")
    return copy


@pytest.fixture
def nests(tmp_path: Path) -> tuple[Path, Path]:
    """What runs in two of them: ``web`` in both."""
    oak, elm = tmp_path / "oak", tmp_path / "elm"
    oak.write_text("web db\n")
    elm.write_text("web\n")
    return oak, elm


def config(folder: Path, nests: tuple[Path, Path], engine: str) -> str:
    path = folder / "opsconsole.yaml"
    path.write_text(_CONFIG.format(oak=nests[0], elm=nests[1], engine=engine))
    path.chmod(0o600)
    return str(path)


def test_it_is_written_where_every_source_is(copy: Copy) -> None:
    rows = [row.replace("NAME", "nest") for row in places_on("adding-a-source.md")]
    assert copy.touched == set(rows[:ALWAYS])


def test_the_types_of_every_place_agree(copy: Copy) -> None:
    modules = "opsconsole.engine.engine", "opsconsole.operations.operator"
    said = copy.type_errors(*modules, "opsconsole.inspection.inspection")
    assert re.findall(r"([a-z_/]+\.py):\d+: error: .*", said) == [], said


def test_a_service_runs_on_the_one_that_it_names(
    copy: Copy, tmp_path: Path, nests: tuple[Path, Path]
) -> None:
    done = copy.run("status", "--json", "-c", config(tmp_path, nests, "elm"))
    seen = json.loads(done.stdout)
    sources = [(each["kind"], each["name"]) for each in seen["sources"]]
    assert sources == [("nest", "oak"), ("nest", "elm")]
    engines = seen["resources"]["engines"]
    names = [each["name"] for engine in engines for each in engine["replicas"]]
    assert sorted(names) == ["db", "web", "web"]
    (web,) = seen["services"]
    assert web["state"] == "ok", web


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ("elms", "no engine is called 'elms', did you mean 'elm'?"),
        ("null", "does not say which of the engines oak, elm it is about"),
    ],
)
def test_what_is_named_is_checked(
    copy: Copy, tmp_path: Path, nests: tuple[Path, Path], engine: str, said: str
) -> None:
    done = copy.run("check", config(tmp_path, nests, engine))
    assert said in done.stdout + done.stderr


def test_check_asks_them_what_runs(copy: Copy, tmp_path: Path, nests: tuple[Path, Path]) -> None:
    nests[1].write_text("")
    done = copy.run("check", config(tmp_path, nests, "elm"))
    assert "write the name that its engine shows" in done.stdout + done.stderr


def test_a_plan_is_pinned_to_it(copy: Copy, tmp_path: Path, nests: tuple[Path, Path]) -> None:
    before = copy.python("-c", _DIGEST, config(tmp_path, nests, "elm"))
    after = copy.python("-c", _DIGEST, config(tmp_path, (nests[0], nests[0]), "elm"))
    assert before.stdout.strip(), before.stderr
    assert after.stdout.strip(), after.stderr
    assert before.stdout != after.stdout


def test_alerts_are_asked_for_without_it(
    copy: Copy, tmp_path: Path, nests: tuple[Path, Path]
) -> None:
    done = copy.run("alerts", "--json", "-c", config(tmp_path, nests, "elm"))
    assert json.loads(done.stdout)["alerts"] == [], done.stderr
