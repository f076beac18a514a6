from cloud_sink.kpi.coverage import coverage, watched_spans


def test_never_watched_is_zero():
    """No event of the office: nothing was covered."""
    assert 0.0 == coverage(None, [], (0, 100))


def test_blind_spots_are_taken_out_once():
    """Overlapping gaps do not count twice, and those outside do not count at all."""
    assert [(10, 20), (50, 60)] == watched_spans((10, 60), [(20, 40), (30, 50), (90, 95)], (0, 100))
    assert 0.2 == coverage((10, 60), [(20, 40), (30, 50), (90, 95)], (0, 100))


def test_full_coverage_is_one():
    """Watched before and after the period without a gap."""
    assert 1.0 == coverage((0, 1000), [], (100, 200))


def test_period_without_length_is_not_covered():
    """Nothing to divide by."""
    assert 0.0 == coverage((0, 1000), [], (100, 100))
