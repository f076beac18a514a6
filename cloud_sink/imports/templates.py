"""A file to fill in for each kind of import: its heads, and one row that shows how they are meant."""

from cloud_sink.imports.kinds import Kind
from cloud_sink.sheets import Table


def template(kind: Kind) -> Table:
    """The heads and an example row; importing it as it is works."""
    return Table(kind.name, tuple(column.name for column in kind.columns), [[each.example for each in kind.columns]])


def describe(kind: Kind) -> str:
    """What the columns mean, a line each."""
    lines = [f"{kind.name}: {kind.says}"]
    for column in kind.columns:
        needed = "required" if column.required else "may be empty"
        lines.append(f"  {column.name:<12} {column.says} ({needed})")
    return "\n".join(lines)
