"""The locks say what is installed, and they go with what the project asks for."""

import re
import tomllib

import pytest

from tools.lock import LOCKS, ROOT
from tools.ranges import lowest

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
_DEV = _PROJECT["optional-dependencies"]["dev"]


def _locked(name: str) -> dict[str, str]:
    lines = (LOCKS / f"{name}.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", each)[0].lower() for each in requirements}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("run", _PROJECT["dependencies"]), ("dev", [*_PROJECT["dependencies"], *_DEV])],
)
def test_all_that_is_asked_for_is_locked(name: str, wanted: list[str]) -> None:
    assert _names(wanted) - _locked(name).keys() == set(), "make lock"


def test_tests_run_with_what_the_program_runs_with() -> None:
    run, dev = _locked("run"), _locked("dev")
    assert run.items() <= dev.items()


@pytest.mark.parametrize("name", ["run", "dev", "debian"])
def test_no_lock_names_a_host(name: str) -> None:
    text = (LOCKS / f"{name}.txt").read_text()
    assert "//" not in text
    assert re.fullmatch(r"# Made by `make lock`\.\n([a-z0-9._-]+==?[a-z0-9.:+~-]+\n)+", text)


def test_each_range_begins_somewhere() -> None:
    assert {each.split("==")[0] for each in lowest()} == _names(_PROJECT["dependencies"])


def test_the_lowest_is_no_later_than_what_is_locked() -> None:
    """By numbers, as far as there are any."""
    run = _locked("run")
    for each in lowest():
        name, low = each.split("==")
        assert _numbers(low) <= _numbers(run[name]), name


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]
