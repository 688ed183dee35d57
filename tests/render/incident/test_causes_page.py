"""What was looked at before something went wrong, and from when on."""

import pytest

from opsconsole.model.causes import Cause, Changes
from opsconsole.model.events import Event, EventCode
from opsconsole.render.incident.causes_page import looked_at

T = 1_700_000_000.0  # 22:13:20
CAUSE = Cause(Event(T - 60, EventCode.RESTARTED), 40.0, "a restart")


@pytest.mark.parametrize(
    ("watched", "causes", "said"),
    [
        (None, (), "from 21:58:20Z to 22:13:20Z no change was seen that could have caused it"),
        (T - 9000, (), "from 21:58:20Z to 22:13:20Z no change was seen that could have caused it"),
        (
            T - 60,
            (),
            "from 22:12:20Z to 22:13:20Z no change was seen that could have caused it; "
            "watched since 22:12:20Z",
        ),
        (T + 5, (), "no change could be seen; watched since 22:13:25Z"),
        (
            T + 5,
            (CAUSE,),
            "from 21:58:20Z to 22:13:20Z, the likeliest cause first; watched since 22:13:25Z",
        ),
    ],
)
def test_nothing_is_said_of_a_time_in_which_nobody_watched(
    watched: float | None, causes: tuple[Cause, ...], said: str
) -> None:
    changes = Changes("api", "api", T, T - 900, T, causes, watched_since=watched)
    assert looked_at(changes) == said
