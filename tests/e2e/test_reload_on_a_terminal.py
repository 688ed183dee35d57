"""A configuration that is edited while the console is open, seen on a terminal."""

import sys
from pathlib import Path

from tests.engine.test_reload import healthy, write
from tools.terminal import Terminal


def test_a_broken_file_is_told_of_and_a_mended_one_adds_its_service(tmp_path: Path) -> None:
    path = tmp_path / "ops.yaml"
    argv = [sys.executable, "-m", "opsconsole", "--config", str(path)]
    home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    with healthy() as url:
        write(path, {"api": {"instances": [url]}})
        with Terminal(argv, size=(80, 24), environment=home) as terminal:
            terminal.until("1 ok")
            good = path.read_text()
            path.write_text(good.replace("instances", "instanzes"))
            terminal.until("configuration not taken over since")
            assert "1 ok" in terminal.text
            write(path, {"api": {"instances": [url]}, "billing": {"instances": [url]}})
            terminal.until("2 ok")
            assert "not taken over since" not in terminal.text
            terminal.until("read again: added billing")
            assert "internal error" not in terminal.text
            terminal.press(":q\r")
            assert terminal.wait(10)[0] == 0
