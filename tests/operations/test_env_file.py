"""Feature flags in an env file: switched, read again, and put back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from opsconsole.operations.drivers.env_file import values_of, with_flags
from tests.operations.place import Place, ended, performed, planned, refused

_S = OperationState
_KEYS = st.sampled_from(["REPORTS", "SEARCH", "CACHE"])
_VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"), max_size=20)
_FILES = st.lists(
    st.one_of(
        st.sampled_from(["", "# REPORTS=off", "  ", "not a line"]),
        st.builds("{}={}".format, st.sampled_from(["REPORTS", "OTHER", "export X"]), _VALUES),
    ),
    max_size=8,
).map(lambda lines: "\n".join(lines).encode())


@given(_FILES, st.dictionaries(_KEYS, st.one_of(st.none(), _VALUES)))
def test_the_flags_are_set_and_all_else_stays(raw: bytes, flags: dict[str, str | None]) -> None:
    before, after = values_of(raw), values_of(with_flags(raw, flags))
    for key, value in flags.items():
        assert after.get(key) == value
    assert {key: value for key, value in after.items() if key not in flags} == {
        key: value for key, value in before.items() if key not in flags
    }


@given(_FILES, st.dictionaries(_KEYS, _VALUES))
def test_what_they_were_brings_the_values_back(raw: bytes, flags: dict[str, str]) -> None:
    before = values_of(raw)
    back = {key: before.get(key) for key in flags}
    assert values_of(with_flags(with_flags(raw, flags), back)) == before


def _config(path: Path) -> str:
    return f"""
docker: []
operations: {{cooldown: 0.001ms}}
services:
  web:
    actions:
      restart: {{command: [cp, {path}, {path}.read]}}
      degrade: {{env_file: {{file: {path}, set: {{REPORTS: "off"}}}}, for: 1h}}
"""


def _texts(path: Path) -> list[str]:
    """The file, and what the service read of it last."""
    return [path.read_text(), Path(f"{path}.read").read_text()]


async def test_degrade_and_recover(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "flags.env"
    path.write_text("# flags\nREPORTS=on\nOTHER=1\n")
    place.write(_config(path))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.DEGRADE))
    assert "REPORTS on → off" in plan.steps[0].summary
    operation = await ended(operator, (await performed(operator, plan, "load")).id)
    assert operation.state is _S.INCONCLUSIVE, "a service without probes cannot be verified"
    assert [step.state for step in operation.steps] == ["done", "done"]
    degraded = "# flags\nREPORTS=off\nOTHER=1\n"
    assert _texts(path) == [degraded, degraded]

    again = await planned(operator, ActionRequest("web", ActionKind.DEGRADE))
    await ended(operator, (await performed(operator, again, "more load")).id)

    plan = await planned(operator, ActionRequest("web", ActionKind.RECOVER))
    await ended(operator, (await performed(operator, plan)).id)
    recovered = "# flags\nREPORTS=on\nOTHER=1\n"
    assert _texts(path) == [recovered, recovered]


async def test_a_file_that_was_edited_after_the_plan_is_left_alone(
    place: Place, tmp_path: Path
) -> None:
    path = tmp_path / "flags.env"
    path.write_text("REPORTS=on\n")
    place.write(_config(path))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.DEGRADE))
    path.write_text("REPORTS=on\nOTHER=2\n")
    operation = await ended(operator, (await performed(operator, plan, "load")).id)
    assert operation.state is _S.REFUSED
    assert path.read_text() == "REPORTS=on\nOTHER=2\n"


@pytest.mark.parametrize("kind", [ActionKind.DEGRADE, ActionKind.RECOVER])
async def test_a_file_that_is_not_there_is_refused(
    kind: ActionKind, place: Place, tmp_path: Path
) -> None:
    place.write(_config(tmp_path / "nothing.env"))
    answer = await place.operator().plan(ActionRequest("web", kind), None)
    assert refused(answer) == "cannot-look"
