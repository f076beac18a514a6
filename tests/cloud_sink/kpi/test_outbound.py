from cloud_sink.kpi.outbound import funnels


def out(make_leg, **fields):
    """An outgoing leg on the trunk that shows 4420; answered after two seconds for a minute."""
    return make_leg(**{"direction": "out", "role": "trunk", "caller": "4420", "extension": "", **fields})


def test_funnel_narrows_from_attempt_to_conversation(make_leg):
    """Each call is rang, busy or failed; of those that rang some were answered, of these some were over at once."""
    legs = [
        (out(make_leg), "answered"),
        (out(make_leg, talk_s=3), "answered"),
        (out(make_leg, t_answer=None), "no_answer"),
        (out(make_leg, t_ring=None, t_answer=None), "busy"),
        (out(make_leg, t_ring=None, t_answer=None), "unreachable"),
    ]
    (funnel,) = funnels(legs)
    assert ("4420", 5, 3, 2, 1, 1, 1) == (
        funnel.shown, funnel.attempts, funnel.rang, funnel.answered, funnel.short, funnel.busy, funnel.failed,
    )  # fmt: skip
    assert 63_000 == funnel.talk_ms


def test_numbers_shown_are_told_apart(make_leg):
    """One funnel for each number, the busiest first; a withheld one is a number too."""
    legs = [(out(make_leg, caller=number), "answered") for number in ("4421", "4420", "4420", "")]
    assert [("4420", 2), ("", 1), ("4421", 1)] == [(each.shown, each.attempts) for each in funnels(legs)]


def test_phones_count_where_no_trunk_is_seen(make_leg):
    """A hosted PBX shows the phones' legs only; with a trunk they would count every call twice."""
    phone = (out(make_leg, role="phone", extension="101"), "answered")
    assert [("101", 1)] == [(each.shown, each.attempts) for each in funnels([phone])]
    assert [("4420", 1)] == [(each.shown, each.attempts) for each in funnels([phone, (out(make_leg), "answered")])]


def test_incoming_calls_are_no_campaign(make_leg):
    """Nothing is counted of them."""
    assert [] == funnels([(make_leg(), "answered")])
