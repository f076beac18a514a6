from pathlib import Path

import collector.core
from collector.core.counters import Counters


def test_every_name_is_an_attribute_that_starts_at_zero():
    """What `ringtap replay --show stats` prints is complete."""
    counters = Counters()
    assert dict.fromkeys(Counters.NAMES, 0) == counters.as_dict()
    counters.sip_requests += 3
    counters.sip_responses += 1
    assert (4, 3, 1) == tuple(counters.as_dict()[name] for name in ("sip_messages", "sip_requests", "sip_responses"))
    counters.orphans += 2
    assert counters.as_dict()["orphans"] == 2


def test_every_counter_is_counted_somewhere():
    """A counter that nobody raises would report zero of something that happens."""
    folder = Path(next(iter(collector.core.__path__)))
    sources = "".join(path.read_text() for path in folder.glob("*.py") if path.stem != "counters")
    for name in Counters.NAMES:
        if name == "sip_messages":  # the sum of the next two
            continue
        assert f"ounters.{name} += 1" in sources or f"ounters.{name} = " in sources, name
