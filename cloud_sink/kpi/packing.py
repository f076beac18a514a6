"""A measurement as bytes and back: a closed day as it is kept (compressed JSON; about a kilobyte for a busy office)."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

from cloud_sink.kpi.definition import EXTENSIONS, QUEUES, TOTAL
from cloud_sink.kpi.measurement import SCOPE_IDS, Cohort, Measurement


def pack_measurement(measurement: Measurement) -> bytes:
    """Write it; the names of the columns go along, so that a later version finds what it knows."""
    content = {
        "ids": {scope: " ".join(ids) for scope, ids in SCOPE_IDS.items()},
        "observed": measurement.observed,
        "total": _pack(measurement.total),
        "queues": {name: _pack(cohort) for name, cohort in measurement.queues.items()},
        "extensions": {name: _pack(cohort) for name, cohort in measurement.extensions.items()},
        "hours": measurement.hours,
        "durations": measurement.durations,
    }
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode())


def _pack(cohort: Cohort) -> list[object]:
    """Columns in order."""
    return [
        cohort.numerators, cohort.denominators, cohort.unseen, cohort.basis, cohort.kind, cohort.service
    ]  # fmt: skip


def unpack_measurement(packed: bytes) -> Measurement:
    """Read it."""
    content = json.loads(zlib.decompress(packed))
    ids = {scope: _columns(scope, names) for scope, names in content["ids"].items()}
    return Measurement(
        content["observed"],
        _unpack(content["total"], ids[TOTAL]),
        {name: _unpack(values, ids[QUEUES]) for name, values in content["queues"].items()},
        {name: _unpack(values, ids[EXTENSIONS]) for name, values in content["extensions"].items()},
        content["hours"],
        {name: _numbered(counts) for name, counts in content["durations"].items()},
    )


def _columns(scope: str, names: str) -> tuple[str, ...]:
    """The names of a scope's columns; today's are one object for all days."""
    today = SCOPE_IDS[scope]
    return today if names == " ".join(today) else tuple(names.split())


def _unpack(values: list[Any], ids: tuple[str, ...]) -> Cohort:
    """One cohort."""
    numerators, denominators, unseen, basis, kind, service = values
    return Cohort(ids, numerators, denominators, unseen, basis, kind, _numbered(service))


def _numbered(values: Mapping[str, Any]) -> dict[int, Any]:
    """JSON's keys are texts."""
    return {int(key): value for key, value in values.items()}
