"""Whose number it is, beside the number: two columns at the end of tables that list callers."""

from collections.abc import Callable
from dataclasses import replace

from cloud_sink.imports.loading import load_customers
from cloud_sink.kpi.period import Period
from cloud_sink.office import Office
from cloud_sink.sheets import Cell, Table

NUMBERS = ("caller", "did")  # columns that may hold a customer's number: who called, or who was called
Maker = Callable[[Office, Period], Table]


def with_customers(make: Maker) -> Maker:
    """The table with `customer` and `segment`, as imported; empty where nobody knows the number."""

    def table(office: Office, period: Period) -> Table:
        made = make(office, period)
        places = [made.heads.index(name) for name in NUMBERS if name in made.heads]
        numbers = {str(row[place] or "") for row in made.rows for place in places}
        known = load_customers(office.store, office.id, numbers)

        def told(row: list[Cell]) -> list[Cell]:
            found = [known[number] for place in places if (number := str(row[place] or "")) in known]
            return [found[0].name, found[0].segment] if found else [None, None]

        rows = [[*row, *told(list(row))] for row in made.rows]
        return replace(made, heads=(*made.heads, "customer", "segment"), rows=rows)

    return table
