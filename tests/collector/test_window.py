"""The window of what may be sent, without a broker: `collector.window`."""

import random

from collector.window import WINDOW_EVENTS, Window, reconnect_delay_s


def test_window_never_holds_more_than_its_size():
    """What is under way is bounded; an acknowledgement makes room."""
    window = Window(jitter=lambda: 0.0)
    window.restart(100, 0.0)
    window.record_sent(100 + WINDOW_EVENTS, 0.0)
    assert window.room == 0
    window.receive_ack(150, 1.0)
    assert window.room == 50


def test_window_goes_back_after_silence_and_waits_longer_each_time():
    """2.5 s, 5 s, 10 s ... up to a minute; progress starts over."""
    window = Window(jitter=lambda: 0.0)
    window.restart(0, 0.0)
    now, waits = 0.0, []
    for _ in range(7):
        window.record_sent(10, now)
        started = now
        while not window.handle_time(now):
            now += 0.5
        waits.append(now - started)
        assert window.sent == 0
    assert [2.5, 5, 10, 20, 40, 60, 60] == waits
    window.record_sent(10, now)
    window.receive_ack(5, now)
    assert not window.handle_time(now + 2.0)
    assert window.handle_time(now + 2.5)
    assert window.sent == 5


def test_window_ignores_an_old_acknowledgement():
    """Acknowledgements are cumulative: a smaller one says nothing new."""
    window = Window()
    window.restart(10, 0.0)
    window.record_sent(20, 0.0)
    window.receive_ack(7, 1.0)
    assert (10, 20) == (window.acked, window.sent)
    window.receive_ack(30, 1.0)
    assert (30, 30) == (window.acked, window.sent)


def test_a_thousand_boxes_do_not_come_back_at_once():
    """After a short restart of the broker they spread over three seconds, after a long outage over a minute."""
    chance = random.Random(1)
    for failures, most_in_a_second in ((0, 450), (6, 40)):
        moments = [int(reconnect_delay_s(failures, chance.random)) for _ in range(1000)]
        assert max(moments.count(second) for second in set(moments)) < most_in_a_second
    assert 60 > reconnect_delay_s(100, lambda: 0.999)
    assert 6 <= reconnect_delay_s(100, lambda: 0.0)
