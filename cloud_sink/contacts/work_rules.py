"""What an office told about imports and work: how numbers are written, what counts as late, what teams aim at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImportedNumbers:
    """How telephone numbers of imported files are written, and the key that stored ones are coded with."""

    country: str = ""  # country code, "44"; "": national numbers are left as they are
    area: str = ""  # area code without the national prefix, for local numbers
    key_file: str = ""  # "": stored numbers are in clear
