from cloud_sink.kpi.callers import callers


def test_calls_of_a_number_stand_together(make_contact):
    """Whoever called most often first, each with what came of his calls; withheld numbers stay out."""
    contacts = [
        make_contact(at_s=300, caller="1", wait_s=4, queue="sales"),
        make_contact("abandoned", at_s=0, caller="1", wait_s=30),
        make_contact("abandoned", at_s=60, caller="1", wait_s=2, short=True),
        make_contact(at_s=10, caller="2"),
        make_contact(at_s=20, caller=""),
        make_contact(at_s=30, caller="3", direction="out"),
    ]
    first, second = callers(contacts)
    assert ("1", 3, 1, 1, 30_000) == (
        first.number, len(first.contacts), first.answered, first.missed, first.longest_wait_ms,
    )  # fmt: skip
    assert ("support", "sales") == first.queues
    assert ("2", 60_000) == (second.number, second.talk_ms)


def test_wait_that_nobody_saw_is_not_zero(make_contact):
    """None, as everywhere."""
    (caller,) = callers([make_contact(wait_s=None)])
    assert caller.longest_wait_ms is None
