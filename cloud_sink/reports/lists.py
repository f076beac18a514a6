"""Tables that list one thing after the other: callers, numbers shown to those called, what stands out."""

from collections.abc import Mapping, Sequence

from cloud_sink.contacts.records import Contact
from cloud_sink.kpi.callers import Caller, callers
from cloud_sink.kpi.outbound import Funnel, funnels
from cloud_sink.kpi.period import Period, iso_time
from cloud_sink.kpi.results import noted
from cloud_sink.kpi.roster import Result
from cloud_sink.office import Office
from cloud_sink.sheets import Cell, Table


def callers_table(office: Office, period: Period) -> Table:
    """One row per customer's number, whoever called most often first; withheld numbers cannot be told apart."""
    heads = ("caller", "calls", "answered", "missed", "first", "last", "queues", "longest_wait_s", "talk_s")
    found = callers(office.contacts(period))
    return Table("callers", heads, [_caller_row(caller, period.time_zone) for caller in found])


def _caller_row(caller: Caller, time_zone: str) -> list[Cell]:
    """One caller."""
    times = [iso_time(contact.t_offer, time_zone) for contact in (caller.contacts[0], caller.contacts[-1])]
    wait = None if caller.longest_wait_ms is None else caller.longest_wait_ms / 1000
    counts = (len(caller.contacts), caller.answered, caller.missed)
    return [caller.number, *counts, *times, " ".join(caller.queues), wait, caller.talk_ms / 1000]


def outbound_table(office: Office, period: Period) -> Table:
    """Calls to the outside from attempt to conversation, one row per number shown to those called."""
    heads = ("number_shown", "attempts", "rang", "answered", "connect_rate (%)", "short", "busy", "failed",
             "talk_avg_s")  # fmt: skip
    legs = office.store.legs(office.id, period.from_ms, period.until_ms)
    return Table("outbound", heads, [_funnel_row(funnel) for funnel in funnels(legs)])


def _funnel_row(funnel: Funnel) -> list[Cell]:
    """One number; without an answer there is no length of talks."""
    share = round(100 * funnel.answered / funnel.attempts, 3)
    talk = round(funnel.talk_ms / funnel.answered / 1000, 3) if funnel.answered else None
    counts = (funnel.attempts, funnel.rang, funnel.answered)
    return [funnel.shown, *counts, share, funnel.short, funnel.busy, funnel.failed, talk]


def results_table(office: Office, period: Period) -> Table:
    """What was noted of calls: one row per word, the most frequent first; calls nobody noted anything of stay out."""
    heads = ("noted", "calls", "share (%)", "successes", "failures", "callers", "talk_avg_s")
    contacts = office.contacts(period)
    found = noted(contacts, office.roster(period).results)
    groups: dict[str, list[Contact]] = {}
    for contact in contacts:
        if contact.contact_id in found:
            groups.setdefault(found[contact.contact_id].disposition, []).append(contact)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return Table("results", heads, [_result_row(word, group, found) for word, group in ordered])


def _result_row(word: str, group: Sequence[Contact], found: Mapping[str, Result]) -> list[Cell]:
    """One word; success is only counted where somebody said whether it was one."""
    said = [found[contact.contact_id].success for contact in group]
    share = round(100 * len(group) / len(found), 3)
    callers = len({contact.did if contact.direction == "out" else contact.caller for contact in group})
    talk = round(sum(contact.talk_ms for contact in group) / len(group) / 1000, 3)
    return [word, len(group), share, said.count(True), said.count(False), callers, talk]


def insights_table(office: Office, period: Period) -> Table:
    """What stands out, a sentence each, with the calls that show it."""
    heads = ("from", "until", "about", "what", "rule", "evidence")
    rows: list[list[Cell]] = [
        [*(iso_time(at, period.time_zone) for at in (each.from_ms, each.until_ms)), each.subject, each.text, each.rule,
         " ".join(each.contacts)]
        for each in office.insights(period)
    ]  # fmt: skip
    return Table("insights", heads, rows, ("from", "until", "about", "what"))
