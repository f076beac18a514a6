"""What the configuration says about imports and work, below `[offices.NAME]`."""

from cloud_sink.contacts.work_rules import ImportedNumbers
from cloud_sink.sections import Section


def imported_numbers(section: Section) -> ImportedNumbers:
    """Read `[offices.NAME.imports]`. Raises ConfigurationError naming file and key."""
    country, area = section.text("country"), section.text("area")
    for key, value in (("country", country), ("area", area)):
        if value and not (value.isascii() and value.isdigit()):
            section.refuse(key, f'must be digits only, such as "44", not "{value}"')
    name = section.text("numbers_key_file")
    section.close()
    return ImportedNumbers(country, area, str(section.file.parent / name) if name else "")
