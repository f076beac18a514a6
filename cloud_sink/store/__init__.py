"""Where legs, contacts and what is known of the boxes are kept: SQLite by default, PostgreSQL by address."""

from cloud_sink.store.days import FleetRow, OfficeDay, Rollup
from cloud_sink.store.import_runs import CannotUndo
from cloud_sink.store.records import (
    Acknowledgement,
    Arrival,
    BatchArrived,
    BoxStatus,
    Gap,
    Health,
    ImportCounts,
    ImportedRow,
    ImportOrigin,
    ImportRun,
    ImportStatus,
    Junk,
    Mailing,
    Quarantined,
    Registration,
    StateArrived,
)
from cloud_sink.store.repository import Store
from cloud_sink.store.users import AuditLine, Session, Token, User, Users

__all__ = [
    "Acknowledgement",
    "Arrival",
    "AuditLine",
    "BatchArrived",
    "BoxStatus",
    "CannotUndo",
    "FleetRow",
    "Gap",
    "Health",
    "ImportCounts",
    "ImportOrigin",
    "ImportRun",
    "ImportStatus",
    "ImportedRow",
    "Junk",
    "Mailing",
    "OfficeDay",
    "Quarantined",
    "Registration",
    "Rollup",
    "Session",
    "StateArrived",
    "Store",
    "Token",
    "User",
    "Users",
]
