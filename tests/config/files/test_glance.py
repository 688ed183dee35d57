"""A glance says what loading says, or nothing."""

from pathlib import Path

import pytest

from opsconsole.config.files.glance import Glance, glance
from opsconsole.config.loader import load
from opsconsole.errors import ConfigError

SAMPLES = sorted(Path("sample_configs").glob("*.yaml"))
PLAIN = (
    "",
    "# nothing\n",
    "environment: {name: prod, danger: high}\n",
    "environment:\n  name: prod eu-1   # the first\n\n  danger: low\nservices: {}\n",
    "display: {theme: light, mouse: false}\nwall: {enabled: true}\n",
    "display:\n    ascii: true\n    low_bandwidth: true\nread_only: true\n",
    "keys:\n  restart: ctrl+r\n",
    "wall: {rotate: 20s, views: [overview, services]}\nenvironment: {name: a}\n",
    "environment: {name: \"prod\", danger: 'high'}\n",
    "services:\n  web:\n    instances: [http://127.0.0.1:1]\n    environment: other\n"
    "environments: {other: {danger: high}}\n",
    "x-common: &common {interval: 5s}\nenvironment: {name: a}\n",
)
LEFT_TO_LOAD = (
    "environment: ${env:PLACE}\n",
    "environment: {name: 12}\n",
    "environment: {name: null}\n",
    "environment: &here {name: a}\n",
    "environment: {name: a}\nenvironment: {name: b}\n",
    "environment: {name: a, danger: grave}\n",
    "environment:\n  name: a\n  name: b\n",
    "environment:\n  name: two\n    lines\n",
    "environment: {name: a,\n  danger: high}\n",
    "environment: {nam: a}\n",
    "display: {window: 5m}\n",
    "display: {mouse: yes}\n",
    'display: {mouse: "true"}\n',
    'environment: {name: "true"}\n',
    "environment: {name: 'two''s'}\n",
    "wall: {enabled: true, rotate: 5s}\n",
    "read_only: maybe\n",
    "{environment: {name: a}}\n",
    '"environment": {name: a}\n',
    "--- # a document\nenvironment: {name: a}\n",
    "environment : {name: a}\n",
    "environment: |\n  name: a\n",
)


def as_loaded(path: Path) -> Glance:
    """The same by the whole configuration."""
    settings = load(path)
    display = settings.display
    return Glance(
        environment=settings.environment.name,
        danger=settings.environment.danger,
        theme=display.theme,
        low_bandwidth=display.low_bandwidth,
        ascii=display.ascii,
        mouse=display.mouse,
        read_only=settings.read_only or settings.wall.enabled,
        wall=settings.wall.enabled,
        keys=dict(settings.keys),
    )


def written(folder: Path, text: str) -> Path:
    path = folder / "opsconsole.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_plain_is_seen_as_it_is_loaded(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    assert glance(path) == as_loaded(path)


@pytest.mark.parametrize("text", LEFT_TO_LOAD)
def test_what_is_not_plain_is_left_to_load(tmp_path: Path, text: str) -> None:
    assert glance(written(tmp_path, text)) is None


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_samples_are_not_seen_otherwise_than_loaded(path: Path) -> None:
    seen = glance(path)
    if seen is None:
        return
    try:
        assert seen == as_loaded(path)
    except ConfigError as error:
        pytest.skip(f"needs its own surroundings: {error.problems[0]}")


def test_a_folder_is_seen_as_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("environment: {name: staging, danger: low}\n")
    (tmp_path / "b.yaml").write_text("services:\n  api: {job: api}\ndisplay:\n  ascii: true\n")
    (tmp_path / ".c.yaml").write_text("environment: {name: other}\n")
    for file in tmp_path.iterdir():
        file.chmod(0o600)
    seen = glance(tmp_path)
    assert seen is not None
    assert (seen.environment, seen.danger, seen.ascii) == ("staging", "low", True)
    assert seen == as_loaded(tmp_path)


def test_a_key_that_two_files_of_a_folder_have_is_left_to_load(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("display: {ascii: true}\n")
    assert glance(tmp_path) is None


def test_an_empty_folder_and_what_is_not_there_are_left_to_load(tmp_path: Path) -> None:
    assert glance(tmp_path) is None
    assert glance(tmp_path / "missing.yaml") is None
