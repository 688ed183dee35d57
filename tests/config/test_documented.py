"""Examples of the documentation that are whole configurations: each can be used as it stands."""

import re
from pathlib import Path

import pytest

from opsconsole.config.loader import load

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["hosts.md", "kubernetes.md"])
def test_each_example_stands_for_itself(page: str, tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert examples
    for number, example in enumerate(examples):
        file = tmp_path / f"{number}.yaml"
        file.write_text(example)
        load(file)
