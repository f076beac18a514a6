"""A period measured in batches: the same report as all at once."""

import pytest

from cloud_sink.config import office_plans
from cloud_sink.kpi import batches
from cloud_sink.kpi.coverage import coverage
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import report
from collector.adapters.pcapfile import open_captures
from collector.config import load
from fieldkit.replay import replay

RECORDINGS = ("b-ringgroup", "c-queue", "d-features", "e-outbound", "f-missing-bye", "f-survey", "office-day-A")


@pytest.mark.parametrize("batch_legs", [1, 50, 2_000])
@pytest.mark.parametrize("name", RECORDINGS)
def test_batches_say_what_everything_at_once_says(name, batch_legs, recording, lab_config, monkeypatch):
    """Unique callers, callbacks, repeats, peaks, days and busy time included, in total, by queue and by extension."""
    monkeypatch.setattr(batches, "BATCH_LEGS", batch_legs)
    plan = office_plans(lab_config)["lab"]
    settings = load(str(lab_config)).monitor_settings()
    done = replay(open_captures([str(recording(name))]), settings, plan, box="lab", with_ladder=False, on_progress=abs)
    span = (done.first_ms, done.last_ms + 1)
    phones = [(leg, done.outcomes[leg.leg_id]) for leg in done.legs if leg.role == "phone"]
    at_once = report(
        done.contacts, phones, period=Period(*span, plan.time_zone), plan=plan, coverage=coverage(span, done.gaps, span)
    )
    assert at_once.to_json() == done.report().to_json()
