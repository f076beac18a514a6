"""The catalogue's KPIs of data quality: how far the others can be trusted."""

from cloud_sink.kpi.definition import EXTENSIONS, MAX, RECOMPUTE, TAP, TOTAL, Definition
from cloud_sink.kpi.rests_on import EVERYWHERE, PHONE_LEGS, REPORTED_BY_BOXES
from cloud_sink.kpi.value import MILLISECONDS, NUMBER, PERCENT, SECONDS

QUALITY = (
    Definition(
        "coverage", "Watched", PERCENT,
        "Share of the period in which the tap was watching.",
        "seconds watched / seconds of the period so far",
        "ringtap's own", EVERYWHERE, roll=RECOMPUTE, scopes=(TOTAL,),
    ),
    Definition(
        "contacts_ambiguous", "Ambiguous", NUMBER,
        "Calls whose legs could belong to another caller as well (two withheld numbers waiting at once), or whose "
        "answer the tap may have missed: nobody's phone was seen to ring though somebody was free.",
        "count(correlation = ambiguous)",
        "ringtap's own", EVERYWHERE,
    ),
    Definition(
        "claimed_elsewhere", "Said to be answered elsewhere", NUMBER,
        "The PBX said another phone answered, but no such answer was seen: a mobile twin, or not true.",
        "count(disposition = claimed_elsewhere)",
        "RFC 3326 (Reason: Call completed elsewhere)", EVERYWHERE,
    ),
    Definition(
        "partial_legs", "Partly seen", NUMBER,
        "Phone legs whose beginning or end the tap did not see.",
        "count(leg.partial)",
        "ringtap's own", PHONE_LEGS, scopes=(TOTAL, EXTENSIONS),
    ),
    Definition(
        "kernel_drops", "Lost in the kernel", NUMBER,
        "Packets that the box had no room for: it was too busy, or its buffer too small.",
        "growth of every source's `drops` over the boxes' reports of the period",
        "packet(7) PACKET_STATISTICS", REPORTED_BY_BOXES, scopes=(TAP,),
    ),
    Definition(
        "parse_errors", "Unreadable", NUMBER,
        "Messages that begin like SIP and cannot be read.",
        "growth of `malformed` over the boxes' reports of the period",
        "RFC 4475 (what must be rejected)", REPORTED_BY_BOXES, scopes=(TAP,),
    ),
    Definition(
        "encrypted_sip", "Encrypted", NUMBER,
        "Pieces of SIP over TLS: calls that cannot be observed here. A PBX that mirrors its SIP (HEP) shows them.",
        "growth of `encrypted` over the boxes' reports of the period",
        "RFC 3261 26.2.1 (TLS); RFC 8446 5.1", REPORTED_BY_BOXES, scopes=(TAP,),
    ),
    Definition(
        "mqtt_lag_s", "Delivered after", SECONDS,
        "How long boxes' reports were under way; minutes or hours mean that they waited in a box for its line.",
        "mean of (received - stamped) of the boxes' reports; a clock that is ahead counts as 0",
        "ringtap's own", REPORTED_BY_BOXES, averaged=True, scopes=(TAP,),
    ),
    Definition(
        "clock_offset_ms", "Clock behind", MILLISECONDS,
        "How far the worst box's clock is behind this server's at most, the way through the network included; "
        "negative: ahead. Durations do not suffer, times of day do.",
        "of each box the smallest (received - stamped) of its reports; of the boxes the one farthest from 0",
        "RFC 5905 8 (offset, one way)", REPORTED_BY_BOXES, roll=MAX, scopes=(TAP,),
    ),
)  # fmt: skip
