"""``opsconsole logs``: a script has what the screen shows, back to the beginning of the files."""

import gzip
import json
import lzma
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsconsole.cli.main import main
from opsconsole.cli.parsing import EX_UNAVAILABLE, EX_USAGE
from opsconsole.demo.docker_engine import Engine
from tests.cli.conftest import Configure
from tests.patience import until


def moment(**ago: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(**ago)


def stamp(**ago: float) -> str:
    return moment(**ago).isoformat().replace("+00:00", "Z")


@pytest.fixture
def config(configure: Configure, tmp_path: Path) -> Path:
    """Two logs: one that was rotated twice, and one of JSON."""
    logs = [{"file": "app.log"}, {"file": "jobs.log"}]
    old = f"{stamp(days=2)} ERROR the first of all\n{stamp(days=2)} INFO two days ago\n"
    with lzma.open(tmp_path / "app.log.2.xz", "wt") as file:
        file.write(old)
    with gzip.open(tmp_path / "app.log.1.gz", "wt") as file:
        file.write(f"{stamp(days=1)} WARNING yesterday\n")
    (tmp_path / "app.log").write_text(
        f"{stamp(hours=1)} ERROR an hour ago\nTraceback (most recent call last):\n  File x\n"
        f"{stamp(minutes=1)} INFO just now\n"
    )
    (tmp_path / "jobs.log").write_text(
        json.dumps({"time": stamp(minutes=5), "level": "warning", "message": "five ago"}) + "\n"
    )
    for name, ago in (("app.log.2.xz", 2 * 86400), ("app.log.1.gz", 86400)):
        at = moment(seconds=ago).timestamp()
        os.utime(tmp_path / name, (at, at))
    return configure({"logs": logs})


def said(capsys: pytest.CaptureFixture[str], config: Path, *argv: str, code: int = 0) -> list[str]:
    assert main(["logs", "shop", *argv, "--config", str(config)]) == code
    return capsys.readouterr().out.splitlines()


def test_all_logs_are_one_by_time_with_what_was_rotated_and_packed(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = said(capsys, config)
    entries = [line for line in lines if line[:2] == "20"]
    ends = ("of all", "days ago", "yesterday", "hour ago", "five ago", "just now")
    assert len(entries) == len(ends)
    assert all(line.endswith(end) for line, end in zip(entries, ends, strict=True))
    assert "  File x" in lines


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (["--since", "2h"], ["an hour ago", "five ago", "just now"]),
        (["--since", "4m"], ["just now"]),
        (["--level", "warning"], ["the first of all", "yesterday", "an hour ago", "five ago"]),
        (["--level", "error", "--since", "3h"], ["an hour ago"]),
        (["--grep", "first of"], ["the first of all"]),
        (["--grep", "!ago|first"], ["yesterday", "just now"]),
        (["--grep", "yesterday", "--context", "1"], ["yesterday"]),
        (["--grep", "file x"], ["an hour ago"]),
        (["--instance", "jobs.log"], ["five ago"]),
        (["--lines", "2", "--instance", "app.log"], ["an hour ago", "just now"]),
        (["--grep", "nothing like it"], []),
    ],
)
def test_lines_are_selected_as_on_the_screen(
    config: Path, capsys: pytest.CaptureFixture[str], argv: list[str], found: list[str]
) -> None:
    lines = [line for line in said(capsys, config, *argv) if line[:2] == "20"]
    assert len(lines) == len(found)
    assert all(line.endswith(each) for line, each in zip(lines, found, strict=True))


def test_so_many_lines_are_so_many(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two = said(capsys, config, "--since", "3d", "-n", "2")
    assert [line.split()[-1] for line in two] == ["ago", "now"]
    assert said(capsys, config, "--lines", "0") == []
    assert said(capsys, config, "--level", "WARN") == said(capsys, config, "--level", "warning")
    for wrong in ("-3", "many", "1.5"):
        with pytest.raises(SystemExit) as ended:
            main(["logs", "shop", f"--lines={wrong}", "--config", str(config)])
        assert ended.value.code == EX_USAGE


def test_json_is_an_object_a_line(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents = [json.loads(line) for line in said(capsys, config, "--json", "--since", "2h")]
    assert [each["level"] for each in documents] == ["error", "warning", "info"]
    assert [each["source"] for each in documents] == ["app.log", "jobs.log", "app.log"]
    assert documents[0]["text"].endswith("  File x")
    assert documents[2]["at"] == pytest.approx(moment(minutes=1).timestamp(), abs=120)
    assert {each["version"] for each in documents} == {1}


def test_what_cannot_be_read_is_told_and_is_3(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.log.1.gz").write_bytes(b"\x1f\x8bnot packed at all")
    (tmp_path / "jobs.log").unlink()
    assert main(["logs", "shop", "--config", str(config)]) == 3
    out, err = capsys.readouterr()
    assert "the first of all" in out
    assert "app.log.1.gz" in err
    assert "jobs.log" in err


def test_wrong_words_are_neither(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured = ["--config", str(config)]
    assert main(["logs", "shop", "--since", "soon", *configured]) == EX_USAGE
    assert main(["logs", "nobody", *configured]) == EX_UNAVAILABLE
    assert main(["logs", "shop", "--instance", "web-9", *configured]) == EX_UNAVAILABLE
    assert "its logs are: app.log, jobs.log" in capsys.readouterr().err


def test_nothing_that_a_terminal_acts_on_is_printed(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.log").write_text("\x1b]52;c;aGk=\x07 \u202e\x9b31m ERROR owned\n")
    for argv in ([], ["--json"]):
        text = "\n".join(said(capsys, config, "--grep", "owned", *argv))
        assert "owned" in text
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(text)


@contextmanager
def following(config: Path, *argv: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "opsconsole", "logs", "shop", "--follow", *argv]
    with subprocess.Popen(
        [*command, "--config", str(config)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def test_following_goes_on_with_what_is_written_and_ends_by_ctrl_c(
    config: Path, tmp_path: Path
) -> None:
    with following(config, "--grep", "now|later") as process:
        assert next_line(process).endswith("just now")
        with (tmp_path / "app.log").open("a") as file:
            file.write(f"{stamp()} INFO never mind\n{stamp()} INFO later\n{stamp()} INFO and later")
        assert next_line(process).endswith("INFO later")
        assert next_line(process).endswith("INFO and later")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130


def test_following_from_now_on_prints_nothing_of_before(config: Path, tmp_path: Path) -> None:
    with following(config, "-n", "0") as process:

        def comes() -> bool:
            with (tmp_path / "app.log").open("a") as file:
                file.write(f"{stamp()} INFO new\n")
            assert process.stdout is not None
            return bool(select.select([process.stdout], [], [], 0.5)[0])

        until(comes)
        assert next_line(process).endswith("INFO new")


def test_following_ends_with_its_reader(config: Path) -> None:
    with following(config) as process:
        next_line(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait() == 141


def test_a_reader_that_ends_early_ends_any_command_without_a_word(
    config: Path, tmp_path: Path
) -> None:
    (tmp_path / "app.log").write_text("".join(f"{stamp()} INFO {n}\n" for n in range(20_000)))
    command = f"{sys.executable} -m opsconsole logs shop --lines 20000 --config {config} | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 141
    assert done.stderr == ""


def test_a_containers_log_is_read_back_to_its_beginning(
    docker_sandbox: Engine, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    script = "echo the first; seq 3000; sleep 999"
    container = docker_sandbox.run("log-back", command=["sh", "-c", script])
    until(lambda: b"3000" in container.logs(tail=1))
    name, engine = str(container.name), {"host": docker_sandbox.url}
    config = configure({"containers": [name]}, docker=engine)
    assert said(capsys, config, "--grep", "first")[0].endswith("the first")
    assert len(said(capsys, config, "--since", "1h")) == 3001
    assert len(said(capsys, config)) == 1000
    assert said(capsys, configure({"containers": ["nobody"]}, docker=engine), code=3) == []
