"""A made-up source, added to a copy of the program in the places that the page names."""

import re
from pathlib import Path

import pytest

from tests.program_copy import Copy, places_on

ALWAYS = 4
"""How many of the places on the page every source is written in."""

_SETTING = '''class Barometer(Model):
    """A file that says the pressure of the air."""

    name: Name = Field(description="To tell several apart.")
    file: Text = Field(description="The file.")


'''
_FIELD = '    barometers: tuple[Barometer, ...] = Field(default=(), description="Barometers.")\n'
_READS = """            case SourceKind.BAROMETER:
                return any(each.name == source.name for each in self.barometers)
"""
_SOURCE = '''"""The pressure of the air, out of a file."""

from pathlib import Path

from opsconsole.clock import Clock
from opsconsole.config.settings import Barometer
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.IMPORTED
from opsconsole.model.reading import Reading
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.sources.base import Source


class BarometerSource(Source[SEEN]):
    def __init__(self, settings: Barometer, clock: Clock, base: Path) -> None:
        self._settings, self._clock, self._base = settings, clock, base

    @property
    def id(self) -> SourceId:
        return SourceId(SourceKind.BAROMETER, self._settings.name)

    @property
    def interval(self) -> float:
        return 5.0

    @property
    def endpoint(self) -> str:
        return self._settings.file

    async def collect(self) -> Reading[SEEN]:
        now = self._clock.now()
        try:
            pressure = float((self._base / self._settings.file).read_text())
        except (OSError, ValueError):
            fault = Fault(FaultKind.LOCAL, "no pressure is in the file")
            return Reading(self.id, now, 0.0, fault=fault)
        return Reading(self.id, now, 0.0, VALUE)

    async def close(self) -> None:
        pass
'''
_PLACE = """        for barometer in settings.barometers:
            make = partial(_barometer, barometer, self._clock, self._base)
            yield SourceId(SourceKind.BAROMETER, barometer.name), make
"""
_MAKE = """def _barometer(barometer: Barometer, clock: Clock, base: Path) -> AnySource:
    from opsconsole.sources.barometer import BarometerSource

    return BarometerSource(barometer, clock, base)


"""
_SEEN = '''@dataclass(frozen=True, slots=True)
class Pressure:
    """The pressure of the air, in hPa, at a place."""

    place: str
    air: float


'''
_HOST = "Host(self._settings.name, pressure, (), (0, 0, 0), 0, 0, 0, 0, (), None, None, 0.0)"
_IMPORTED = "from opsconsole.model.observations import Pressure\n"
_SCRIPT = """
import sys
from pathlib import Path
from opsconsole.config.loader import load
from opsconsole.engine.engine import Engine
path = Path(sys.argv[1])
snapshot = Engine(load(path), base=path.parent).look_once()
print(*({shown} for each in snapshot.{part}), sep="\\n")
print(*(f"{{each.name}}: {{each.fault}}" for each in snapshot.sources if each.fault), sep="\\n")
"""


def source(seen: str, imported: str, value: str) -> str:
    text = _SOURCE.replace("SEEN", seen).replace("IMPORTED", imported)
    return text.replace("VALUE", value)


def add(copy: Copy, text: str) -> None:
    """A source in the places that every one has."""
    settings, assemble = "config/settings.py", "engine/assemble.py"
    copy.put(settings, _SETTING, before="class Settings(Model)")
    copy.put(settings, _FIELD, before="    host: HostSettings = Field(")
    copy.put(settings, _READS, before="            case SourceKind.PROMETHEUS:\n")
    copy.put("model/source_id.py", '    BAROMETER = "barometer"\n', before="    LOCAL =")
    copy.put("sources/barometer.py", text)
    copy.put(assemble, "Barometer, ", after="config.settings import Alertmanager, ")
    copy.put(assemble, _MAKE, before="def _host(")
    copy.put(assemble, _PLACE, before="        yield from places(")


def add_what_it_sees(copy: Copy) -> None:
    """An observation that no other source has, in the places where mypy does not ask for it."""
    observations, snapshot = "model/observations.py", "model/snapshot.py"
    copy.put(observations, _SEEN, before="Observation: TypeAlias")
    copy.put(observations, "Pressure | ", after="TypeAlias = (\n    ")
    copy.put(snapshot, "    pressures: tuple[Pressure, ...] = ()\n", before="    replayed: bool")
    copy.put(snapshot, _IMPORTED, before="from opsconsole.model.operation import")
    copy.put(
        "engine/state/snapshot_builder.py",
        "            pressures=tuple(store.pressures.values()),\n",
        before="            missed=missed,",
    )


def take_it_in(copy: Copy) -> None:
    """The same in the places that mypy names."""
    store, book = "engine/state/store.py", "engine/state/source_book.py"
    copy.put(store, "    Pressure,\n", before="    PrometheusSeen,\n    ScrapeSeen,\n)")
    copy.put(
        store,
        "        self.pressures: dict[SourceId, Pressure] = before.pressures if before else {}\n",
        before="        self.hosts: HostBook",
    )
    copy.put(
        store,
        "            case Pressure() as pressure:\n"
        "                self.pressures = {**self.pressures, source: pressure}\n",
        before="            case HealthReport() | PodsSeen() | None:",
    )
    copy.put(book, "    Pressure,\n", before="    Problems,\n    PrometheusSeen,")
    copy.put(book, "Pressure() | ", before="HealthReport() | PodsSeen() | ScrapeSeen()")


@pytest.fixture
def of_a_host(tmp_path: Path) -> Copy:
    """One that sees what others see."""
    copy = Copy(tmp_path / "of-a-host")
    add(copy, source("Host", "running.hosts import Host", _HOST))
    return copy


@pytest.fixture
def of_its_own(tmp_path: Path) -> Copy:
    """One that sees what no other does."""
    copy = Copy(tmp_path / "of-its-own")
    value = "Pressure(self._settings.name, pressure)"
    add(copy, source("Pressure", "observations import Pressure", value))
    add_what_it_sees(copy)
    return copy


def config(folder: Path) -> str:
    """Two barometers, of which one cannot be read."""
    path = folder / "opsconsole.yaml"
    path.write_text(
        "docker: []\nhost: {enabled: false}\n"
        "barometers: [{name: roof, file: roof.txt}, {name: cellar, file: cellar.txt}]\n"
    )
    path.chmod(0o600)
    (folder / "roof.txt").write_text("1013.25")
    return str(path)


def test_the_page_names_each_place_and_no_other(of_a_host: Copy, of_its_own: Copy) -> None:
    rows = [row.replace("NAME", "barometer") for row in places_on("adding-a-source.md")]
    assert of_a_host.touched == set(rows[:ALWAYS])
    take_it_in(of_its_own)
    assert of_its_own.touched == set(rows)
    assert len(rows) == len(set(rows)) == 9


def test_what_it_sees_reaches_the_snapshot(of_a_host: Copy, tmp_path: Path) -> None:
    script = _SCRIPT.format(part="hosts", shown="(each.host.name, each.host.cpu)")
    done = of_a_host.python("-c", script, config(tmp_path))
    assert done.stdout.splitlines() == [
        "('roof', 1013.25)", "cellar: local: no pressure is in the file",
    ], done.stderr  # fmt: skip


def test_what_no_other_sees_reaches_the_snapshot(of_its_own: Copy, tmp_path: Path) -> None:
    take_it_in(of_its_own)
    script = _SCRIPT.format(part="pressures", shown="(each.place, each.air)")
    done = of_its_own.python("-c", script, config(tmp_path))
    assert done.stdout.splitlines() == [
        "('roof', 1013.25)", "cellar: local: no pressure is in the file",
    ], done.stderr  # fmt: skip


def test_mypy_names_what_has_to_take_it_in(of_its_own: Copy) -> None:
    modules = "opsconsole.engine.assemble", "opsconsole.engine.state.snapshot_builder"
    said = of_its_own.type_errors(*modules)
    closed = re.findall(r"([a-z_/]+\.py):\d+: error: .* \"assert_never\"", said)
    assert closed == ["engine/state/source_book.py", "engine/state/store.py"]
    take_it_in(of_its_own)
    assert of_its_own.type_errors(*modules) == ""


def test_mypy_names_where_a_kind_is_not_told_to_be_read(tmp_path: Path) -> None:
    copy = Copy(tmp_path / "copy")
    copy.put("model/source_id.py", '    BAROMETER = "barometer"\n', before="    LOCAL =")
    said = copy.type_errors("opsconsole.config.settings")
    assert re.findall(r"([a-z_/]+\.py):\d+: error: ", said) == ["config/settings.py"]
