"""Where a command prints: nowhere, on a full disk, to nobody; and what its own faults are."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from opsconsole.cli.main import main
from opsconsole.cli.parsing import EX_BROKEN_PIPE, EX_IOERR, EX_SOFTWARE, EX_USAGE

PROGRAM = (sys.executable, "-m", "opsconsole")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "opsconsole.yaml"
    path.write_text("services: {web: {instances: ['http://127.0.0.1:9']}}\ndocker: []\n")
    path.chmod(0o600)
    return path


def ran(script: str, config: Path) -> subprocess.CompletedProcess[str]:
    """What a shell says of ``script``, in which ``OPS`` is the program."""
    words = script.replace("OPS", " ".join(PROGRAM)).replace("FILE", str(config))
    return subprocess.run(["sh", "-c", words], check=False, capture_output=True, text=True)


@pytest.mark.parametrize("command", ["services", "schema", "themes", "operations", "--version"])
def test_closed_output_is_nowhere(command: str, config: Path) -> None:
    named = "" if command.startswith("-") else "-c FILE"
    done = ran(f"OPS {named} {command} >&-", config)
    assert (done.returncode, done.stderr) == (0, "")
    assert ran(f"OPS {named} {command} >&- 2>&- <&-", config).returncode == 0


@pytest.mark.parametrize("command", ["services", "schema", "themes", "operations"])
def test_a_full_disk_below_the_output_is_said_and_no_outcome(command: str, config: Path) -> None:
    done = ran(f"OPS -c FILE {command} > /dev/full", config)
    assert done.returncode == EX_IOERR
    assert done.stderr == "opsconsole: the output cannot be written: No space left on device\n"


def test_a_reader_that_has_gone_ends_a_command_quietly(config: Path) -> None:
    done = ran("{ OPS -c FILE schema; echo $? >&2; } | head -n 1 > /dev/null", config)
    assert done.stderr == f"{EX_BROKEN_PIPE}\n"


def test_a_fault_of_the_program_is_no_outcome(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Broken:
        @staticmethod
        def run(_arguments: object) -> int:
            raise KeyError("password=hunter2")

    monkeypatch.setattr(importlib, "import_module", lambda _name: Broken)
    assert main(["services", "--config", str(config)]) == EX_SOFTWARE
    said = capsys.readouterr().err
    assert said.startswith("opsconsole stopped: KeyError: ")
    assert said.count("\n") == 1
    assert "hunter2" not in said
    kept = Path(said.split("details are in ")[1].strip())
    assert "test_output.py" in kept.read_text()


def test_what_no_option_explains_is_said_with_the_usage_of_its_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["logs", "web", "--tail", "3"])
    assert ended.value.code == EX_USAGE
    said = capsys.readouterr().err
    assert "usage: opsconsole logs" in said
    assert "unrecognized arguments: --tail 3" in said
