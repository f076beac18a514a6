"""What waits for the database: `cloud_sink.arrivals`."""

import queue

import pytest

from cloud_sink.arrivals import Arrivals


def test_what_came_first_goes_first():
    """Whoever sent it."""
    arrivals = Arrivals()
    for number, box in enumerate(("a", "b", "a")):
        assert arrivals.offer(box, 1, number)
    assert [0, 1, 2] == [arrivals.take(1) for _ in range(3)]
    with pytest.raises(queue.Empty):
        arrivals.take(0.01)


@pytest.mark.parametrize(
    ("limits", "room"), [({"messages": 3}, 3), ({"size": 35}, 3), ({"of_one": 2}, 2)], ids=["number", "bytes", "box"]
)
def test_what_has_no_room_is_refused_until_there_is_some(limits, room):
    """Each bound by itself; what is taken makes room again."""
    arrivals = Arrivals(**limits)
    assert [True] * room + [False] == [arrivals.offer("a", 10, None) for _ in range(room + 1)]
    arrivals.take(1)
    assert arrivals.offer("a", 10, None)


def test_one_box_leaves_room_for_the_others():
    """However much it sends."""
    arrivals = Arrivals(of_one=2)
    assert [True, True, False] == [arrivals.offer("hostile", 1, None) for _ in range(3)]
    assert arrivals.offer("honest", 1, None)
