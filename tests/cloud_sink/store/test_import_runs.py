"""The history of imports, and imports taken back, on both databases."""

import pytest

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.store import CannotUndo, ImportCounts, ImportedRow, ImportOrigin, ImportRun, Store
from cloud_sink.store.import_runs import RUNS_KEPT, UNDO_KEPT

PLAN = OfficePlan("lab")
NOW = 1_780_304_400_000


def row(part: str, at_ms: int = 0, number: str = "", **values: str) -> ImportedRow:
    """One imported row."""
    return ImportedRow(at_ms, at_ms + 10, part, "", number, dict(values))


def run(store: Store, *rows: ImportedRow, kind: str = "staff", how: str = "write", at_ms: int = NOW) -> ImportRun:
    """Import them; returns what the history says of it."""
    store.change_imported(PLAN, kind, rows, how, ImportOrigin(at_ms, f"{kind}.csv", "amy"))
    return store.import_runs("lab")[0]


def stored(store: Store, kind: str = "staff") -> list[ImportedRow]:
    """Everything of a kind."""
    return store.imported("lab", kind, 0, 1 << 62)


def test_history_says_what_came_from_where(store: Store) -> None:
    """The latest first: file, author, rows, and what became of the parts; other offices have their own."""
    run(store, row("a"), row("b"))
    run(store, row("a"), row("b", 5), row("c"), at_ms=NOW + 1)
    last = run(store, row("a"), how="remove", at_ms=NOW + 2)
    found = store.import_runs("lab")
    assert [("remove", 1), ("write", 3), ("write", 2)] == [(each.how, each.rows) for each in found]
    assert [ImportCounts(0, 1, 0), ImportCounts(1, 1, 1), ImportCounts(2, 0, 0)] == [each.counts for each in found]
    assert ImportOrigin(NOW + 2, "staff.csv", "amy") == last.origin
    assert [] == store.import_runs("york")


def test_imports_are_taken_back_one_after_the_other(store: Store) -> None:
    """Each undo brings back exactly the rows that were there before; a removal comes back too."""
    states = [stored(store)]
    steps = [((row("a"), row("b", 1, name="x")), "write"), ((row("b", 2), row("c")), "write"), ((row("a"),), "remove")]
    for number, (rows, how) in enumerate(steps):
        run(store, *rows, how=how, at_ms=NOW + number)
        states.append(stored(store))
    for expected in states[-2::-1]:
        latest = next(each for each in store.import_runs("lab") if each.undoable)
        assert latest.run == store.undo_import(PLAN, latest.run, NOW + 9).run
        assert expected == stored(store)
    assert [NOW + 9] * 3 == [each.undone_ms for each in store.import_runs("lab")]


def test_only_the_latest_of_a_kind_can_be_taken_back(store: Store) -> None:
    """A later one of the kind might rest on it; other kinds, and imports without effect, do not matter."""
    first = run(store, row("a"))
    second = run(store, row("a", 5), at_ms=NOW + 1)
    run(store, row("z"), kind="costs", at_ms=NOW + 2)
    idle = run(store, row("a", 5), at_ms=NOW + 3)
    undoable = {each.run for each in store.import_runs("lab") if each.undoable}
    assert second.run in undoable
    assert not {first.run, idle.run} & undoable
    with pytest.raises(CannotUndo, match="a later import of its kind"):
        store.undo_import(PLAN, first.run, NOW)
    store.undo_import(PLAN, second.run, NOW + 4)
    with pytest.raises(CannotUndo, match="taken back already"):
        store.undo_import(PLAN, second.run, NOW + 5)
    with pytest.raises(CannotUndo, match="no such import"):
        store.undo_import(PLAN, "gone", NOW)
    assert [0] == [each.at_ms for each in stored(store)]
    assert next(each for each in store.import_runs("lab") if each.run == first.run).undoable


def test_history_is_bounded(store: Store) -> None:
    """The latest imports are remembered, the latest of them with what they replaced."""
    for number in range(RUNS_KEPT + 5):
        run(store, row(f"p{number}"), kind=f"kind{number}", at_ms=NOW + number)
    found = store.import_runs("lab")
    assert RUNS_KEPT == len(found)
    assert [True] * UNDO_KEPT + [False] * (RUNS_KEPT - UNDO_KEPT) == [each.undoable for each in found]


def test_a_forgotten_caller_does_not_come_back(store: Store) -> None:
    """What an import replaced goes with the number it may hold."""
    run(store, row("447700900123", number="447700900123", name="Amy"), kind="customers")
    run(store, row("447700900123", number="447700900123"), kind="customers", how="remove", at_ms=NOW + 1)
    store.forget({"lab": PLAN}, "447700900123", NOW, rehearse=False)
    assert not any(each.undoable for each in store.import_runs("lab"))
