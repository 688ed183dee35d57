"""``opsconsole`` itself on a pseudo-terminal."""

import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Shop
from tools.terminal import Terminal

CONSOLE = [sys.executable, "-m", "opsconsole"]


def written(folder: Path, text: str) -> Path:
    path = folder / "opsconsole.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_bad_configuration_leaves_the_screen_with_every_problem(tmp_path: Path) -> None:
    """It is validated behind the first paint; the terminal is restored before it is told."""
    path = written(tmp_path, "services: {web: {instances: [ftp://x]}}\nnonsense: 1\n")
    with Terminal([*CONSOLE, "--config", str(path)]) as terminal:
        code, _took = terminal.wait(20)
        assert code == 78
        told = bytes(terminal.sent).rpartition(b"\x1b[?1049l")[2].decode()
        assert "takes a URL" in told
        assert "nonsense: unknown key" in told
        assert terminal.modes_now == terminal.modes


def test_keys_that_cannot_be_used_are_told_with_their_line(tmp_path: Path) -> None:
    path = written(tmp_path, "services: {}\nkeys:\n  quit: notakey\n  failing: j\n")
    with Terminal([*CONSOLE, "--config", str(path)]) as terminal:
        code, _took = terminal.wait(20)
        told = bytes(terminal.sent).rpartition(b"\x1b[?1049l")[2].decode()
        assert terminal.modes_now == terminal.modes
    assert code == 78
    assert "opsconsole.yaml:3: keys.quit: no key is called 'notakey'" in told
    assert "opsconsole.yaml:4: keys.failing: j is the key of down already" in told
    check = subprocess.run(
        [*CONSOLE, "check", "--offline", str(path)], capture_output=True, text=True, check=False
    )
    assert check.returncode == 78
    assert "opsconsole.yaml:3: keys.quit: must keep a key" in check.stdout


def test_place_is_seen_at_the_first_paint_and_the_fleet_soon(tmp_path: Path, shop: Shop) -> None:
    path = written(
        tmp_path,
        "environment: {name: shop floor, danger: high}\n"
        "host: {enabled: false}\ndocker: {enabled: false}\n"
        f"services: {{till: {{instances: ['{shop.url}']}}}}\n",
    )
    with Terminal([*CONSOLE, "--config", str(path)]) as terminal:
        terminal.until("SHOP FLOOR")
        terminal.until("till")
        terminal.until(lambda text: "1 ok" in text)
