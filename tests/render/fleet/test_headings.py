"""What is said of all groups together."""

import pytest

from opsconsole.render.fleet.headings import summary
from opsconsole.render.fleet.rows import Rows
from tests.ui import fleet


@pytest.mark.parametrize(("groups", "said"), [(1, "11 in 1 group"), (2, "11 in 2 groups")])
def test_one_group_is_no_groups(groups: int, said: str) -> None:
    rows = Rows(order=tuple(map(str, range(groups))))
    assert summary(rows, fleet.calm()).partition(" · ")[0] == said
