"""What policy is told: the limits, and what was done recently, read when the journal moved."""

from opsconsole.config.settings import Settings
from opsconsole.errors import StateError
from opsconsole.model.operation import ActionKind, Effect, Operation, OperationState
from opsconsole.operations.planning.declared import find
from opsconsole.operations.planning.policy import Circumstances
from opsconsole.operations.planning.policy_facts import PolicyFacts
from tests.fakes import FakeClock
from tests.operations.journal.memory_journal import MemoryJournal, MemoryStore
from tests.operations.journal.samples import intent, op

NOW = 1_700_000_000.0
SETTINGS = Settings.model_validate(
    {
        "docker": [],
        "operations": {"cooldown": "20s", "restart_limit": 7, "restart_window": "5m"},
        "services": {"web": {"actions": {
            "restart": {"command": ["true"]},
            "scale": {"systemd": {"unit": "web.service"}},
            "call": {"look": {"http": {"get": "http://10.0.0.1/look"}, "effect": "read"}},
        }}},
    }
)  # fmt: skip


class Counting(MemoryJournal):
    """Counts how often what was done recently is read; ``fault`` is why it cannot be."""

    reads = 0
    fault = ""

    def since(self, service: str, moment: float) -> tuple[Operation, ...]:
        """The same, counted."""
        if self.fault:
            raise StateError(self.fault)
        self.reads += 1
        return super().since(service, moment)


def facts(*, read_only: bool = False) -> PolicyFacts:
    return PolicyFacts(SETTINGS, FakeClock(NOW), read_only=read_only)


def test_what_is_not_found_is_not_declared() -> None:
    assert facts().circumstances(None, None, "", ()) == Circumstances(NOW, False, declared=False)
    assert facts(read_only=True).circumstances(None, None, "", ()).read_only


def test_all_of_it_for_a_declared_action() -> None:
    found = find(SETTINGS, "web", ActionKind.RESTART, "")
    seen = facts().circumstances(found, None, "disk full", ())
    assert seen == Circumstances(
        NOW, read_only=False, declared=True, audit_fault="disk full",
        cooldown=20.0, restart_limit=7, restart_window=300.0,
    )  # fmt: skip
    look = facts().circumstances(find(SETTINGS, "web", ActionKind.CALL, "look"), None, "", ())
    assert (look.effect, look.only_reads) == (Effect.READ, True)
    scale = facts().circumstances(find(SETTINGS, "web", ActionKind.SCALE, ""), None, "", ())
    assert not scale.supported


def _journal() -> Counting:
    journal = Counting(MemoryStore())
    for name, ago in (("old", 400.0), ("recent", 100.0)):
        journal.submit(intent(name), NOW - ago)
        journal.advance(op(name), OperationState.REFUSED, NOW - ago)
    return journal


def test_what_was_done_within_the_longer_window() -> None:
    assert [each.id for each in facts().since(_journal(), "web")] == [op("recent")]
    shorter = SETTINGS.model_copy(
        update={"operations": SETTINGS.operations.model_copy(update={"cooldown": 500.0})}
    )
    found = PolicyFacts(shorter, FakeClock(NOW), read_only=False).since(_journal(), "web")
    assert [each.id for each in found] == [op("recent"), op("old")]


def test_it_is_read_again_only_when_the_journal_has_moved() -> None:
    journal, known = _journal(), facts()
    first = known.recently(journal, "web")
    assert first == known.recently(journal, "web")
    assert ([each.id for each in first[0]], first[1]) == ([op("recent")], "")
    assert journal.reads == 1
    assert known.recently(journal, "shop") == ((), "")
    assert journal.reads == 2
    journal.submit(intent("new"), NOW)
    journal._store.version += 1
    assert [each.id for each in known.recently(journal, "web")[0]] == [op("new"), op("recent")]


def test_a_journal_that_cannot_be_read_is_said() -> None:
    journal, known = _journal(), facts()
    journal.fault = "disk gone"
    recent, fault = known.recently(journal, "web")
    assert (recent, "disk gone" in fault) == ((), True)
