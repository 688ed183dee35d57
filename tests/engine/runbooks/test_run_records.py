"""The state machine of a run: order, no step twice, and going on as if nothing had been."""

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.runbooks.run_records import Record, apply, begun, fold, summary
from opsconsole.model.runbooks.runbook import OnFailure, Runbook, Step
from opsconsole.model.runbooks.runs import DONE, RunbookRun, RunOutcome, StepState

STEPS = ("a", "b", "c", "d")


@st.composite
def books(draw: st.DrawFn) -> Runbook:
    steps = [
        Step(
            name,
            name,
            optional=draw(st.booleans()),
            on_failure=draw(st.sampled_from(list(OnFailure))),
        )
        for name in STEPS[: draw(st.integers(1, len(STEPS)))]
    ]
    return Runbook("book", "book", tuple(steps), digest="d")


ANY_RECORD = st.fixed_dictionaries(
    {
        "do": st.sampled_from(
            ["start", "plan", "operation", "sample", "result", "skip", "end", "begin", "nonsense"]
        ),
        "step": st.sampled_from([*STEPS, "", "z"]),
        "at": st.one_of(st.floats(0, 1e9), st.none(), st.just("soon"), st.booleans()),
        "state": st.sampled_from(["passed", "failed", "inconclusive", "skipped", "running", 7]),
        "outcome": st.sampled_from(["finished", "abandoned", "other"]),
        "who": st.sampled_from(["kim", "ann", 3]),
        "held": st.one_of(st.integers(-3, 9), st.text(max_size=2), st.booleans()),
    }
)


def first(book: Runbook) -> Record:
    return begun("run", book, "shop", "kim", "bastion", 1.0)


def is_in_order(run: RunbookRun) -> bool:
    """Everything before the next step is settled, and nothing after it was touched."""
    names = [step.id for step in run.steps]
    here = names.index(run.next.id) if run.next else len(names)
    before, after = run.steps[:here], run.steps[here + 1 :]
    untouched = all(
        step.state is StepState.PENDING and step.attempts == 0 and step.planned_at is None
        for step in after
    )
    return all(step.settled for step in before) and untouched


@given(books(), st.lists(ANY_RECORD, max_size=40))
def test_whatever_is_written_steps_go_in_order_and_none_that_passed_again(
    book: Runbook, records: list[Record]
) -> None:
    run = fold([first(book)])
    assert run is not None
    for record in records:
        after = apply(run, record)
        assert is_in_order(after)
        for old, new in zip(run.steps, after.steps, strict=True):
            if old.state in DONE:
                assert new is old
            if old.state is StepState.RUNNING and new.attempts != old.attempts:
                raise AssertionError("a step that is under way was begun again")
        if not run.open:
            assert after is run
        if after.outcome is RunOutcome.FINISHED:
            assert after.next is None
        run = after


@given(books(), st.lists(ANY_RECORD, max_size=30), st.integers(0, 30))
def test_going_on_from_any_record_is_the_same_as_never_having_ended(
    book: Runbook, records: list[Record], cut: int
) -> None:
    whole = fold([first(book), *records])
    part = fold([first(book), *records[:cut]])
    assert part is not None
    for record in records[cut:]:
        part = apply(part, record)

    assert part == whole


def test_a_step_that_failed_may_be_run_again_unless_the_next_may_follow() -> None:
    stop = Step("a", "a")
    follow = Step("b", "b", on_failure=OnFailure.CONTINUE)
    book = Runbook("book", "book", (stop, follow))
    failed: Record = {"do": "result", "step": "a", "at": 2.0, "state": "failed", "said": "no"}

    run = fold([first(book), failed])
    assert run is not None
    assert run.next is not None
    assert (run.next.id, run.next.state) == ("a", StepState.FAILED)
    run = apply(run, {"do": "start", "step": "a", "at": 3.0})
    run = apply(run, {**failed, "at": 4.0, "state": "passed"})
    run = apply(run, {**failed, "step": "b", "at": 5.0})
    assert run.next is None
    assert [step.attempts for step in run.steps] == [2, 1]
    assert summary(run) == "1 passed, 1 failed"
