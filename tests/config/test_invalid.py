"""What is said of each configuration that cannot be used.

Each file of ``invalid/`` ends in the problems that it must give, ``line: where: message``, in
order, behind ``# expect``. What a library would say in its own words is written ``…``.
"""

from pathlib import Path

import pytest

from opsconsole.config.loader import load
from opsconsole.errors import ConfigError

FOLDER = Path(__file__).parent / "invalid"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.yaml")))
def test_every_problem_is_said_at_its_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.yaml"
    text = (FOLDER / path.name).read_text("utf-8")
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    _, expected = text.split("# expect\n")
    wanted = [f"{path}:{line.removeprefix('# ')}" for line in expected.splitlines()]

    with pytest.raises(ConfigError) as caught:
        load(path, {})

    assert wanted
    cut = [
        problem[: len(each) - 1] + "…" if each.endswith("…") else problem
        for problem, each in zip(caught.value.problems, wanted, strict=True)
    ]
    assert cut == wanted


@pytest.mark.parametrize("name", ["plain-secret", "header-secret", "argv-secret", "url"])
def test_a_secret_written_out_is_refused_without_being_said(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.yaml"
    path.write_bytes((FOLDER / path.name).read_bytes())
    path.chmod(0o600)

    with pytest.raises(ConfigError) as caught:
        load(path, {})

    assert "CANARY" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
