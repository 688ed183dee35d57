"""What holds copies back, in words that begin with what it is."""

import pytest

from opsconsole.model.diagnosis import Fact, FactCode
from opsconsole.model.running.troubles import TroubleCode
from opsconsole.render.ink.cells import width_of
from opsconsole.render.service.why import sentence

_C = TroubleCode
POD = "ai-backend-7f9c4d8b5-x2x4k"


def said(code: str, width: int, **more: object) -> str:
    fact = Fact(FactCode.HELD_BACK, None, POD, before=code, **more)  # type: ignore[arg-type]
    return sentence(fact, width)


@pytest.mark.parametrize(
    ("code", "more", "words"),
    [
        (_C.IMAGE_NOT_FOUND, {"part": "web:9"}, "image pull: not found, web:9"),
        (_C.IMAGE_REFUSED, {"part": "r/web:9"}, "image pull: not authorised, r/web:9"),
        (_C.IMAGE_NOT_PULLED, {"after": "connection refused"}, "image pull: connection refused"),
        (_C.UNSCHEDULABLE, {"figure": 0.0, "limit": 5.0, "after": "insufficient cpu"},
         "0 of 5 nodes fit: insufficient cpu"),
        (_C.UNSCHEDULABLE, {"after": "no nodes available"}, "no node fits: no nodes available"),
        (_C.VOLUME_AWAITED, {"part": "data-db-0"}, "waiting for its volume, data-db-0"),
        (_C.NOT_CONFIGURED, {"after": "secret a not found"}, "cannot start: secret a not found"),
        (_C.QUOTA_EXCEEDED, {"part": "small", "after": "pods=1"}, "quota exceeded: small, pods=1"),
        (_C.INIT_FAILS, {"part": "migrate", "figure": 1.0, "limit": 4.0},
         "init container migrate: exit 1 ×4"),
        (_C.NOT_READY, {"after": "HTTP 503"}, "readiness fails: HTTP 503"),
        (_C.NOT_READY, {"part": "proxy", "after": "exit 1"}, "container proxy ended: exit 1"),
        (_C.NOT_LIVE, {}, "liveness fails"),
        (_C.EVICTED, {"after": "low on disk"}, "evicted: low on disk"),
        (_C.NODE_LOST, {"part": "node-1"}, "node node-1 is not ready"),
    ],
)  # fmt: skip
def test_what_it_is_stands_first_in_forty_cells(
    code: TroubleCode, more: dict[str, object], words: str
) -> None:
    assert said(code.value, 40, **more) == words
    whole = said(code.value, 200, **more)
    assert whole.startswith(words)
    assert whole.endswith(POD)


@pytest.mark.parametrize("code", [*TroubleCode, "of-a-later-version"])
@pytest.mark.parametrize("width", [8, 20, 40, 80])
def test_every_code_has_words_of_any_width(code: str, width: int) -> None:
    words = said(str(code), width, after="why it is so", part="what", figure=1.0, limit=2.0)
    assert 0 < width_of(words) <= width


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (FactCode.OUT_OF_MEMORY, "killed, out of memory ×4"),
        (FactCode.CRASH_LOOP, "restarts in a loop, ×4, exit 137"),
    ],
)
def test_what_happened_is_worth_more_than_to_which_copy(code: FactCode, words: str) -> None:
    figure = None if code is FactCode.OUT_OF_MEMORY else 137.0
    assert sentence(Fact(code, None, POD, 4, figure=figure), 40) == words
    assert sentence(Fact(code, None, POD, 4, figure=figure), 80) == f"{POD} {words}"
