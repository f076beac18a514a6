"""The catalogue's KPIs of signalling and sound: RFC 6076 and RFC 6035."""

from cloud_sink.kpi.definition import SIGNALLING, Definition
from cloud_sink.kpi.value import MILLISECONDS, MOS, PERCENT, SECONDS

_AT_THE_TAP = (
    "At the tap, by vantage point: phone (PBX to phones), trunk_in, trunk_out. Legs of which the beginning or the end "
    "was not seen stay out."
)
_COUNTED = _AT_THE_TAP + " By leg, and by contact with the best of its legs."
_REGISTERING = "At the tap: phones with the PBX (phone), the PBX with its carrier (trunk_out)."
_REPORTED = "Phones that send quality reports (vq-rtcpxr); null where none does. No audio is listened to."
_SCOPES = (SIGNALLING,)

SIGNALLING_HEALTH = (
    Definition(
        "sip_rrd", "Registration request delay", MILLISECONDS,
        "How long it took to register.",
        "first REGISTER to its 200, the challenge included; successes only, the first 60 of each extension and quarter",
        "RFC 6076 4.1", _REGISTERING, averaged=True, scopes=_SCOPES,
    ),
    Definition(
        "sip_ira", "Ineffective registration attempts", PERCENT,
        "Share of attempts to register that failed.",
        "attempts refused (but for a challenge), refused again with credentials, or unanswered for 32 s / attempts",
        "RFC 6076 4.2", _REGISTERING, averaged=True, scopes=_SCOPES,
    ),
    Definition(
        "sip_srd_ok", "Session request delay", SECONDS,
        "How long a call took to ring, of calls that were answered or given up by the caller.",
        "INVITE to the first provisional response but 100, or to the 200 where none came",
        "RFC 6076 4.3.1", _AT_THE_TAP, averaged=True, scopes=_SCOPES,
    ),
    Definition(
        "sip_srd_fail", "Session request delay, failed", SECONDS,
        "The same of calls that were refused.",
        "INVITE to the first provisional response but 100, or to the refusal; calls without any answer left out",
        "RFC 6076 4.3.2", _AT_THE_TAP, averaged=True, scopes=_SCOPES,
    ),
    Definition(
        "sip_sdd_ok", "Session disconnect delay", MILLISECONDS,
        "How long hanging up took.",
        "BYE to its 2xx; BYEs without an answer left out",
        "RFC 6076 4.4", _AT_THE_TAP, averaged=True, scopes=_SCOPES,
    ),
    Definition(
        "sip_sdd_fail", "Session disconnect delay, refused", MILLISECONDS,
        "The same of a BYE that was refused: mostly 481, both sides hung up at once.",
        "BYE to a final response that is no 2xx",
        "RFC 6076 4.4", _AT_THE_TAP, averaged=True, scopes=_SCOPES,
    ),
    Definition(
        "sip_sdt_ok", "Session duration", SECONDS,
        "How long calls lasted that were hung up in order.",
        "200 to the BYE, of BYEs that were answered",
        "RFC 6076 4.5.1", _AT_THE_TAP, averaged=True, scopes=_SCOPES,
    ),
    Definition(
        "sip_sdt_fail", "Session duration, hanging up unanswered", SECONDS,
        "How long calls lasted whose other side never answered the BYE: it was gone.",
        "200 to the BYE + 32 s (timer F), of BYEs that nobody answered",
        "RFC 6076 4.5.2", _AT_THE_TAP, averaged=True, scopes=_SCOPES,
    ),
    Definition(
        "sip_ser", "Session establishment ratio", PERCENT,
        "Share of calls that were answered.",
        "INVITEs answered by 200 / (INVITEs - redirected by 3xx); a challenge and its answer are one",
        "RFC 6076 4.6", _COUNTED, averaged=True, scopes=_SCOPES,
    ),
    Definition(
        "sip_seer", "Session establishment effectiveness ratio", PERCENT,
        "Share of calls for which the network did its part: answered, busy, declined or unavailable.",
        "INVITEs ended by 200, 480, 486, 600 or 603 / (INVITEs - redirected by 3xx)",
        "RFC 6076 4.7", _COUNTED, averaged=True, scopes=_SCOPES,
    ),
    Definition(
        "sip_isa", "Ineffective session attempts", PERCENT,
        "Share of calls that failed for want of servers or network.",
        "INVITEs ended by 408, 500, 503, 504, or by silence / INVITEs",
        "RFC 6076 4.8", _COUNTED, averaged=True, scopes=_SCOPES,
    ),
    Definition(
        "sip_scr", "Session completion ratio", PERCENT,
        "Share of calls that were answered and hung up with nothing missing.",
        "INVITEs answered whose BYE was answered / INVITEs",
        "RFC 6076 4.9", _COUNTED, averaged=True, scopes=_SCOPES,
    ),
    Definition(
        "mos_lq", "Sound", MOS,
        "How calls sounded at the phone: 4.3 is the best G.711 reaches, under 3.6 many are dissatisfied.",
        "sum(MOSLQ of the call's last report) / calls reported; 1 to 5; median and percentiles from single calls",
        "RFC 6035 4.6; ITU-T P.564, G.107", _REPORTED, averaged=True, scopes=_SCOPES,
    ),
)  # fmt: skip
