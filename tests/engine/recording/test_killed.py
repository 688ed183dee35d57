"""A writer that is killed at any moment leaves a whole file with all that it had committed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from opsconsole.engine.recording.archive import Archive

ROUNDS = int(os.environ.get("OPSCONSOLE_TEST_KILLS", "20"))
WITHIN = 120.0

CONFIG = """
state_dir: {state}
docker: []
host: {{interval: 500ms}}
services: {{}}
"""


def test_killed_while_recording_thinning_and_cutting(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "tests.engine.recording.killing", f"{tmp_path}/r.db", str(ROUNDS)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    rounds = [json.loads(each) for each in done.stdout.splitlines()]
    assert len(rounds) == ROUNDS
    for each in rounds:
        assert each["killed"], "a writer that ends by itself proves nothing"
        assert each["integrity"] == "ok"
        assert each["missing"] <= 0.0, "what was acknowledged is there"
        assert each["shown"]
        assert each["moments"] > 0
    assert len({each["moments"] for each in rounds}) > ROUNDS // 3, "at different moments"


@pytest.mark.terminal
def test_the_program_killed_misses_the_last_second_at_most(tmp_path: Path) -> None:
    config = tmp_path / "opsconsole.yaml"
    config.write_text(CONFIG.format(state=tmp_path / "state"))
    config.chmod(0o600)
    argv = [sys.executable, "-m", "opsconsole", "record", "--config", str(config)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "recording into" in process.stdout.readline()
        (path,) = (tmp_path / "state" / "recordings").glob("*.db")
        archive = Archive(path)
        began = time.monotonic()
        while (span := archive.span()) is None or span.end - span.begin < 2.0:
            assert time.monotonic() - began < WITHIN
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        at = time.time()
        process.wait(WITHIN)
    span = archive.span()
    archive.close()
    assert span is not None
    # A second, and one more for a machine that is busy with other tests.
    assert at - span.end <= 2.0
