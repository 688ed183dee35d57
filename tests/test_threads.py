"""Calls keep their deadlines whatever they do, and stuck threads cost nobody else."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from opsconsole.model.fault import FaultKind
from opsconsole.threads import BoundedExecutor, QueueFullError, StuckError, fault_of
from tests.patience import soon

LONG = 300.0
"""A deadline that no call here is to meet."""


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Set at the end, so that hanging calls of a test end with it."""
    event = threading.Event()
    yield event
    event.set()


async def hang(executor: BoundedExecutor, release: threading.Event) -> None:
    """Have one more call pass its deadline while it runs, and not before it began."""
    before = executor.stuck
    while executor.stuck == before:
        with pytest.raises(TimeoutError):
            await executor.run(release.wait, 300, deadline=0.05)


async def begun(executor: BoundedExecutor, release: threading.Event) -> "asyncio.Task[bool]":
    """A call that hangs, once a thread is at it."""
    entered = threading.Event()

    def wait() -> bool:
        entered.set()
        return release.wait(300)

    task = asyncio.create_task(executor.run(wait, deadline=LONG))
    await soon(entered.is_set)
    return task


def named(name: str) -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == name]


def no_number() -> int | None:
    return None


async def none_stuck(executor: BoundedExecutor) -> None:
    await soon(lambda: not executor.stuck)


async def test_a_result_and_an_error_come_back() -> None:
    executor = BoundedExecutor("t", 2)

    assert await executor.run(max, 1, 3, deadline=LONG) == 3
    assert await executor.run(no_number, deadline=LONG) is None
    with pytest.raises(ZeroDivisionError):
        await executor.run(lambda: 1 // 0, deadline=LONG)
    executor.close()


@pytest.mark.parametrize("error", [StopIteration, SystemExit, KeyboardInterrupt])
async def test_no_exception_kills_a_worker(error: type[BaseException]) -> None:
    executor = BoundedExecutor("t", 1, spares=0)

    def raise_it() -> None:
        raise error

    if error is StopIteration:
        with pytest.raises(RuntimeError):
            await executor.run(raise_it, deadline=LONG)
    else:
        with pytest.raises(error):
            await executor.run(raise_it, deadline=LONG)
    assert await executor.run(lambda: "alive", deadline=LONG) == "alive"
    executor.close()


async def test_the_deadline_is_kept_while_the_call_hangs(release: threading.Event) -> None:
    executor = BoundedExecutor("t", 1)

    await hang(executor, release)

    assert executor.stuck == 1


async def test_a_stuck_thread_is_replaced(release: threading.Event) -> None:
    executor = BoundedExecutor("t", 1, spares=1)

    await hang(executor, release)

    assert await executor.run(lambda: "served", deadline=LONG) == "served"


async def test_a_call_that_waits_is_served_when_the_worker_before_it_gets_stuck(
    release: threading.Event,
) -> None:
    executor = BoundedExecutor("t", 1, spares=1)

    hanging = await begun(executor, release)
    waiting = asyncio.create_task(executor.run(lambda: "served", deadline=LONG))
    await asyncio.sleep(0)
    hanging.cancel()
    assert await waiting == "served"


async def test_all_stuck_fails_at_once_and_recovers(release: threading.Event) -> None:
    executor = BoundedExecutor("docker", 1, spares=1)
    await hang(executor, release)
    await hang(executor, release)

    with pytest.raises(StuckError, match="2 calls to docker are stuck") as caught:
        await executor.run(lambda: None, deadline=10)
    assert fault_of(caught.value, "docker", 10).kind is FaultKind.TIMEOUT

    release.set()
    await none_stuck(executor)
    assert await executor.run(lambda: "back", deadline=LONG) == "back"


async def test_threads_are_bounded_after_stuck_calls_return(release: threading.Event) -> None:
    executor = BoundedExecutor("bounded-threads", 2, spares=2)
    for _ in range(4):
        await hang(executor, release)
    release.set()
    await none_stuck(executor)
    for _ in range(20):
        await executor.run(lambda: None, deadline=LONG)

    await soon(lambda: len(named("bounded-threads")) <= 2)
    executor.close()


async def test_more_calls_than_workers_share_them() -> None:
    executor = BoundedExecutor("t", 2)
    used: set[int] = set()

    def work(number: int) -> int:
        used.add(threading.get_ident())
        return number

    answers = await asyncio.gather(*(executor.run(work, n, deadline=5) for n in range(100)))

    assert answers == list(range(100))
    assert len(used) <= 2
    executor.close()


async def test_the_queue_is_bounded(release: threading.Event) -> None:
    executor = BoundedExecutor("t", 1, queue=1)
    running = await begun(executor, release)
    waiting = asyncio.create_task(executor.run(lambda: 1, deadline=LONG))
    await asyncio.sleep(0)

    with pytest.raises(QueueFullError) as caught:
        await executor.run(lambda: 2, deadline=2)

    assert fault_of(caught.value, "t", 2).kind is FaultKind.LOCAL
    running.cancel()
    assert await waiting == 1


async def test_a_call_whose_deadline_passes_while_it_waits_never_runs(
    release: threading.Event,
) -> None:
    executor = BoundedExecutor("t", 1, spares=0)
    ran: list[int] = []
    blocking = await begun(executor, release)

    with pytest.raises(TimeoutError):
        await executor.run(ran.append, 1, deadline=0.02)
    release.set()
    await blocking
    await executor.run(lambda: None, deadline=LONG)

    assert ran == []
    assert executor.stuck == 0


async def test_cancelling_leaves_the_thread_and_counts_it(release: threading.Event) -> None:
    executor = BoundedExecutor("t", 1)
    task = await begun(executor, release)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert executor.stuck == 1
    assert await executor.run(lambda: "served", deadline=LONG) == "served"


async def test_a_closed_executor_takes_nothing() -> None:
    executor = BoundedExecutor("closed-executor", 2)
    await executor.run(lambda: None, deadline=LONG)

    executor.close()
    executor.close()

    with pytest.raises(QueueFullError, match="closed"):
        await executor.run(lambda: None, deadline=LONG)
    await soon(lambda: not named("closed-executor"))


async def test_asyncios_default_pool_is_not_used() -> None:
    executor = BoundedExecutor("t", 1)
    await executor.run(lambda: None, deadline=LONG)

    assert asyncio.get_running_loop()._default_executor is None  # type: ignore[attr-defined]
    executor.close()


def test_a_stuck_call_never_holds_up_the_exit() -> None:
    program = (
        "import asyncio, time\n"
        "from opsconsole.threads import BoundedExecutor\n"
        "async def main():\n"
        "    try:\n"
        "        await BoundedExecutor('t', 1).run(time.sleep, 60, deadline=0.05)\n"
        "    except TimeoutError:\n"
        "        print('timeout')\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True
    )

    assert ended.stdout == "timeout\n"
    assert ended.stderr == ""
