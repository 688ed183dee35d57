"""How a process of its own is started: what it is told where, and what it then holds."""

import json
import sys
from pathlib import Path

import pytest

from opsconsole.errors import StateError
from opsconsole.operations import spawn
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.state_folder import prepare
from opsconsole.operations.state_place import FolderPlace

GRANT = '{"token": 4711}'

_SCRIPT = """#!{python}
import json, os, stat, sys
said = {{
    "is_written_before": stat.S_ISREG(os.fstat(0).st_mode),
    "arguments": sys.argv[1:],
    "environment": sorted(os.environ.values()),
    "input": sys.stdin.read(),
    "open": [each for each in sys.argv[-1].split(",") if each and os.fstat(int(each))],
}}
open({said!r}, "w").write(json.dumps(said))
sys.exit({code})
"""


class Granted:
    """A lock that a child must be told of, and an open file of it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptors = (descriptor,)
        self.grant = GRANT
        self.given = 0

    def handed_over(self) -> None:
        self.given += 1

    def may_begin(self) -> bool:
        return True

    def release(self) -> None:
        raise AssertionError("the starter lets go, not what starts the process")


def _started(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> tuple[Granted, Path]:
    program, said = folder / "python", folder / "said"
    program.write_text(_SCRIPT.format(python=sys.executable, said=str(said), code=code))
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    state = FolderPlace(prepare(folder / "state", shared=False))
    with open(folder / "locked", "w", encoding="utf-8") as file:
        held = Granted(file.fileno())
        try:
            spawn.start("run", state, OwnConfiguration("c.yaml", "/"), "0" * 16, hand_over=(held,))
        except StateError:
            assert code
    return held, said


def test_a_lock_is_handed_over_on_the_input_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, path = _started(tmp_path, monkeypatch, 0)
    said = json.loads(path.read_text())
    assert json.loads(said["input"]) == [GRANT]
    assert "4711" not in "".join([*said["arguments"], *said["environment"]])
    assert said["open"] == [str(held.descriptors[0])]
    assert held.given == 1
    assert said["is_written_before"], "who starts it may be killed before it writes to a pipe"


def test_what_could_not_be_started_was_given_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _started(tmp_path, monkeypatch, 3)[0].given == 0
