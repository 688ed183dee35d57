"""The single file unpacks itself where only its user can write, once, whole or not at all."""

import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole import dataclass, ownership
from tools.delivery.bootstrap import ABANDONED, EX_UNAVAILABLE, KEPT
from tools.delivery.single_file import write

SOABI = str(sysconfig.get_config_var("SOABI"))
PROGRAM = b"""
import sys, time
from pathlib import Path
print(sys.executable, Path(__file__).parent, *sys.argv[1:], sep="\\n", flush=True)
if "wait" in sys.argv:
    time.sleep(1000)
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


def made(path: Path, *, pythons: tuple[str, ...] = (SOABI,), more: bytes = b"") -> Path:
    """A single file whose program says who runs it from where, with which arguments."""
    parts = {
        "any/opsconsole/__init__.py": more,
        "any/opsconsole/__main__.py": PROGRAM,
        "any/opsconsole/dataclass.py": Path(dataclass.__file__).read_bytes(),
        "any/opsconsole/ownership.py": Path(ownership.__file__).read_bytes(),
        f"{SOABI}/compiled.txt": b"of this Python",
        "cpython-399-of-none/compiled.txt": b"of another",
        "share/man/man1/opsconsole.1": b".TH",
    }
    write(path, pythons, parts.items())
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return made(tmp_path / "opsconsole.pyz")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


def run(file: Path, *arguments: str, **variables: object) -> "subprocess.CompletedProcess[str]":
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment = {**kept, **{name: str(value) for name, value in variables.items()}}
    return subprocess.run(
        [sys.executable, str(file), *arguments],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def unpacked_in(cache: Path) -> list[Path]:
    return sorted((cache / "opsconsole").iterdir())


def test_the_program_runs_from_an_environment_of_the_python_that_was_asked(
    file: Path, home: Path
) -> None:
    done = run(file, "status", "--unpack", "a b", HOME=home)
    assert done.returncode == 0, done.stderr
    python, package, *arguments = done.stdout.splitlines()
    (place,) = unpacked_in(home / ".cache")
    assert Path(python) == place / "bin" / "python3"
    assert Path(python).resolve() == Path(sys.executable).resolve()
    assert Path(package).is_relative_to(place)
    assert arguments == ["status", "--unpack", "a b"]
    assert (Path(package).parent / "compiled.txt").read_text() == "of this Python"


def test_it_is_unpacked_once_and_for_its_user_alone(file: Path, home: Path) -> None:
    first = run(file, HOME=home).stdout
    (place,) = unpacked_in(home / ".cache")
    before = (place / "pyvenv.cfg").stat().st_mtime_ns
    assert run(file, HOME=home).stdout == first
    assert (place / "pyvenv.cfg").stat().st_mtime_ns == before
    assert [each for each in (place.parent, place) if each.stat().st_mode & 0o077] == []


def test_what_it_starts_by_sys_executable_is_of_the_same_environment(
    file: Path, home: Path
) -> None:
    python, package, *_ = run(file, HOME=home).stdout.splitlines()
    started = subprocess.run(
        [python, "-P", "-m", "opsconsole"], env={}, cwd="/", capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert started.stdout.splitlines() == [python, package]


def test_many_that_begin_at_once_agree(file: Path, home: Path) -> None:
    argv = [sys.executable, str(file)]
    begun = [
        subprocess.Popen(argv, env={"HOME": str(home)}, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    said = {each.communicate()[0] for each in begun}
    assert [each.returncode for each in begun] == [0] * 6
    assert len(said) == 1
    assert len(unpacked_in(home / ".cache")) == 1


def test_another_version_is_another_folder(home: Path, tmp_path: Path) -> None:
    for number, more in enumerate((b"", b"# changed")):
        assert run(made(tmp_path / f"{number}.pyz", more=more), HOME=home).returncode == 0
    assert len(unpacked_in(home / ".cache")) == 2


def test_folders_that_others_can_write_are_refused_with_the_cure(file: Path, home: Path) -> None:
    cache = home / ".cache"
    cache.mkdir()
    cache.chmod(0o777)
    done = run(file, HOME=home)
    assert done.returncode == EX_UNAVAILABLE
    assert f"{cache} can be written by others (mode 0777); chmod go-w {cache}" in done.stderr
    assert "set XDG_CACHE_HOME" in done.stderr
    assert unpacked_in(cache) == []


@pytest.mark.parametrize("what", ["folder", "link", "above"])
@as_root
def test_a_folder_of_somebody_else_is_never_run_from(
    file: Path, home: Path, tmp_path: Path, what: str
) -> None:
    safe = tmp_path / "safe"
    place = home / "opsconsole"
    if what == "link":
        place.symlink_to(tmp_path / "elsewhere")
        (tmp_path / "elsewhere").mkdir()
        os.chown(place, 4242, 4242, follow_symlinks=False)
    else:
        place.mkdir()
        os.chown(place if what == "folder" else home, 4242, 4242)
    done = run(file, CACHE_DIRECTORY=home, XDG_CACHE_HOME=safe)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[0]).is_relative_to(safe)
    assert list(place.iterdir()) == []


@as_root
def test_what_others_came_to_own_later_is_not_run(file: Path, home: Path, tmp_path: Path) -> None:
    assert run(file, XDG_CACHE_HOME=home).returncode == 0
    (place,) = unpacked_in(home)
    os.chown(place, 4242, 4242)
    done = run(file, XDG_CACHE_HOME=home)
    assert done.returncode == EX_UNAVAILABLE
    assert f"{place} belongs to user 4242" in done.stderr


@as_root
def test_a_file_system_that_runs_nothing_is_named(file: Path, home: Path, tmp_path: Path) -> None:
    mounted = f'mount -t tmpfs -o noexec,mode=0700 tmpfs {home} && exec "$@"'
    fallback = tmp_path / "cache"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mounted, "sh", sys.executable, str(file)],
        env={**os.environ, "CACHE_DIRECTORY": str(home), "XDG_CACHE_HOME": str(fallback)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[0]).is_relative_to(fallback)


def test_another_python_is_answered_with_those_it_is_for(home: Path, tmp_path: Path) -> None:
    file = made(tmp_path / "other.pyz", pythons=("cpython-399-of-none",))
    done = run(file, HOME=home)
    assert done.returncode == EX_UNAVAILABLE
    assert f"is for cpython-399-of-none, and this is {SOABI}" in done.stderr
    assert not (home / ".cache").exists()


@pytest.fixture
def running(file: Path, home: Path) -> Iterator[Path]:
    """A version that a process runs; its folder."""
    argv = [sys.executable, str(file), "wait"]
    environment = {"HOME": str(home)}
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Path(process.stdout.readline().strip()).parents[1]
        finally:
            process.kill()


def test_old_versions_go_but_for_those_that_run(running: Path, home: Path, tmp_path: Path) -> None:
    cache = running.parent
    long_ago = time.time() - KEPT - 60
    kept = [cache / "started-recently", cache / ".new-being-unpacked"]
    gone = [cache / "not-started-for-long", cache / ".new-abandoned"]
    for each in (*kept, *gone):
        each.mkdir()
    for each, when in (
        (running, long_ago), (gone[0], long_ago), (gone[1], time.time() - ABANDONED - 60),
    ):  # fmt: skip
        os.utime(each, (when, when))
    assert run(made(tmp_path / "newer.pyz", more=b"# newer"), HOME=home).returncode == 0
    assert [each for each in (*gone, *kept, running) if each.exists()] == [*kept, running]


def test_it_is_installed_for_all_users_where_it_is_unpacked_by_name(
    file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "a place" / "opsconsole"
    folder.parent.mkdir()
    done = run(file, "--unpack", str(folder))
    assert done.returncode == 0, done.stderr
    command = folder / "bin" / "opsconsole"
    said = subprocess.run([command, "a b"], env={}, capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[::2] == [str(folder / "bin" / "python3"), "a b"]
    assert (folder / "share/man/man1/opsconsole.1").read_text() == ".TH"
    assert all(each.stat().st_mode & 0o444 == 0o444 for each in folder.rglob("*"))
    again = run(file, "--unpack", str(folder))
    assert again.returncode == EX_UNAVAILABLE
    assert "is there already" in again.stderr
