"""KPIs as cells of a table."""

from cloud_sink.kpi.value import Value
from cloud_sink.sheets import Few


def value_cell(value: Value | None) -> float | None:
    """A value rounded as the API does, marked where it rests on few observations; nothing where there is none."""
    if value is None or value.value is None:
        return None
    rounded = round(value.value, 6)
    return Few(rounded) if value.small else rounded
