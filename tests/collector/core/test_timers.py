from hypothesis import given
from hypothesis import strategies as st

from collector.core.timers import TimerQueue, Waiting


def drain(queue):
    """Everything in the queue, front first."""
    found = []
    while (first := queue.first()) is not None:
        found.append(first)
        queue.remove(first)
    return found


def test_first_is_due_first():
    """One constant wait: who came first is due first."""
    queue = TimerQueue(500)
    things = [Waiting() for _ in range(3)]
    for now_ms, thing in enumerate(things):
        queue.arm(thing, now_ms)
    assert [500, 501, 502] == [thing.deadline_ms for thing in things]
    assert things == drain(queue)


def test_arming_again_moves_to_the_end():
    """A thing stands in the queue once, with its last deadline."""
    queue = TimerQueue(500)
    first, second = Waiting(), Waiting()
    queue.arm(first, 0)
    queue.arm(second, 1)
    queue.arm(first, 2)
    assert [second, first] == drain(queue)


def test_arming_elsewhere_leaves_the_first_queue():
    """A thing stands in at most one queue."""
    short, long = TimerQueue(1), TimerQueue(100)
    thing = Waiting()
    short.arm(thing, 0)
    long.arm(thing, 0)
    assert (None, thing) == (short.first(), long.first())


def test_what_left_is_held_by_nothing():
    """No link stays behind: a leg that ended is freed at once, without the garbage collector."""
    queue = TimerQueue(1)
    things = [Waiting() for _ in range(3)]
    for thing in things:
        queue.arm(thing, 0)
    queue.remove(things[1])
    assert (None, None, None) == (things[1].queue, things[1].next, things[1].previous)
    assert [things[0], things[2]] == drain(queue)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1), st.booleans()), max_size=60))
def test_any_use_keeps_the_order(steps):
    """Against a plain list: arming, moving between queues and leaving in any order."""
    queues = [TimerQueue(10), TimerQueue(1_000)]
    things = [Waiting() for _ in range(6)]
    model = [[], []]
    for now_ms, (number, which, removes) in enumerate(steps):
        thing = things[number]
        if thing.queue is not None and removes:
            thing.queue.remove(thing)
        for row in model:
            if thing in row:
                row.remove(thing)
        if not removes:
            queues[which].arm(thing, now_ms)
            model[which].append(thing)
    assert model == [drain(queue) for queue in queues]
