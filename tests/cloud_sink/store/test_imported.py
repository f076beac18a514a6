from cloud_sink.contacts.records import OfficePlan
from cloud_sink.store import ImportCounts, ImportedRow, ImportOrigin, ImportStatus, Store

DAY = 86_400_000
PLAN = OfficePlan("lab")


def write(store: Store, kind: str, rows: list[ImportedRow], how: str = "write") -> ImportCounts:
    """An import; what it says beforehand that it would do is what it does."""
    expected = store.change_of_import("lab", kind, rows, how).counts
    assert expected == store.change_imported(PLAN, kind, rows, how, ImportOrigin(1, "file.csv", "test"))
    return expected


def row(at_ms: int, until_ms: int, part: str = "Alice", key: str = "", **values: str) -> ImportedRow:
    """One imported row."""
    return ImportedRow(at_ms, until_ms, part, key, "", dict(values))


def test_rows_come_back_as_they_went_in(store: Store) -> None:
    """By office and kind, in order of time, whatever their values are."""
    rows = [
        row(2000, 3000, "b", name="Jürgen"),
        ImportedRow(1000, 2000, "a", "k", "447700900123", {"x": 1.5, "y": None}),
    ]
    assert ImportCounts(2, 0, 0) == write(store, "agents", rows)
    assert rows[::-1] == store.imported("lab", "agents", 0, 5000)
    assert [] == store.imported("york", "agents", 0, 5000) == store.imported("lab", "staff", 0, 5000)
    assert [rows[0]] == store.imported_parts("lab", "agents", ["b", "x"])
    assert [ImportStatus("agents", 2, 1000, 2000)] == store.import_status("lab")


def test_the_same_again_changes_nothing_and_a_correction_replaces(store: Store) -> None:
    """All that was stored about a part goes when the part comes again, other parts stay."""
    write(store, "s", [row(1, 2), row(2, 3), row(1, 2, "Bob")])
    assert ImportCounts(0, 0, 2) == write(store, "s", [row(1, 2), row(2, 3), row(1, 2, "Bob")])
    assert ImportCounts(1, 1, 0) == write(store, "s", [row(5, 6), row(1, 2, "Carol")])
    assert ["Bob", "Carol", "Alice"] == [each.part for each in store.imported("lab", "s", 0, DAY)]
    assert ImportCounts(0, 1, 1) == write(store, "s", [row(0, 0, "Bob"), row(0, 0, "Dave")], "remove")
    assert ["Carol", "Alice"] == [each.part for each in store.imported("lab", "s", 0, DAY)]


def test_a_period_holds_what_reaches_into_it(store: Store) -> None:
    """A moment counts in its period; with a bound on their length, rows from long before are not looked at."""
    write(store, "s", [row(100, 200, "a"), row(300, 300, "b"), row(0, 1 << 62, "c")])
    assert ["c", "a"] == [each.part for each in store.imported("lab", "s", 150, 300)]
    assert ["c", "b"] == [each.part for each in store.imported("lab", "s", 300, 301)]
    assert ["b"] == [each.part for each in store.imported("lab", "s", 300, 301, longest_ms=10)]


def test_more_parts_than_one_statement_takes(store: Store) -> None:
    """Thousands of customers in one file."""
    rows = [row(0, DAY, f"c{number}") for number in range(2_500)]
    assert ImportCounts(2_500, 0, 0) == write(store, "customers", rows)
    assert ImportCounts(0, 0, 2_500) == write(store, "customers", rows)
