"""What is wrong with a box, by what it said last: the same words on pages, in the API and from `ringtap fleet`."""

from cloud_sink.store import BoxStatus

# conditions that a box reports as a gauge of 1 while they hold (`collector.blindness`)
CONDITIONS = {
    "source_failed": "one of its sources cannot be opened",
    "source_silent": "one of its sources has stopped",
    "packets_refused": "it refuses packets from a sender that it was not told of",
    "packets_dropped": "it loses packets: more come than it can read",
    "no_packets": "it hears nothing at all",
    "no_sip": "it hears packets, but no SIP",
    "rtp_without_sip": "it hears voice, but no SIP",
    "sip_on_other_ports": "there is SIP on ports that it was not told of",
    "encrypted_sip": "calls are encrypted on its tap",
    "one_direction": "it hears one direction only",
    "requests_without_responses": "it hears requests without their responses",
    "responses_without_requests": "it hears responses without their requests",
    "dialogs_begin_unseen": "it does not hear how calls begin",
    "duplicate_feed": "it hears every packet twice",
    "clock_unsynchronised": "nothing keeps its clock",
    "missing_extensions": "it has not heard some of the extensions that it was told of",
}
# counters since its start that ought to stay zero
COUNTERS = {
    "encrypted": "encrypted SIP was seen: those calls cannot be observed here, use HEP",
    "truncated": "packets were cut short by the capture",
    "tcp_gaps": "pieces of SIP over TCP were lost",
}


def troubles(box: BoxStatus) -> list[str]:
    """Why its office's numbers may be wrong or late, one sentence each; empty where nothing is known to be wrong."""
    said = [text for name, text in (CONDITIONS | COUNTERS).items() if box.health.get(name)]
    if not box.clock_ok and CONDITIONS["clock_unsynchronised"] not in said:
        said.append("its clock is not set by NTP")
    if not box.office:
        said.append("no office lists it: [offices.NAME] boxes")
    return said
