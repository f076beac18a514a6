"""How long which data is kept: the section `[retention]`. Standard library only, as all of the configuration."""

from dataclasses import dataclass

from cloud_sink.sections import Section

LONGEST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that data is kept; 0: for good."""

    calls_days: int = 400  # reports look back over a year and a bit
    health_days: int = 14
    quarantine_days: int = 90
    imports_days: int = 400  # as long as the calls that they are told of
    audit_days: int = 400  # of sign-ins and changes of users


def retention_settings(section: Section) -> Retention:
    """Read `[retention]`. Raises ConfigurationError."""
    usual = Retention()
    calls_days = section.integer("calls_days", usual.calls_days, 0, LONGEST_DAYS)
    found = Retention(
        calls_days,
        section.integer("health_days", usual.health_days, 1, 14),
        section.integer("quarantine_days", usual.quarantine_days, 0, LONGEST_DAYS),
        section.integer("imports_days", calls_days, 0, LONGEST_DAYS),
        section.integer("audit_days", usual.audit_days, 0, LONGEST_DAYS),
    )
    if found.imports_days and not 0 < found.calls_days <= found.imports_days:
        section.refuse("imports_days", "is less than calls_days: days that are counted again would lack them")
    section.close()
    return found
