"""Hold the KPIs that the page's API gives against the expected ones of the recording."""

import json
import urllib.request
from typing import Any

COUNTS = ("offered", "answered", "abandoned")


def read_kpis(address: str, office: str, day: str) -> dict[str, Any]:
    """The KPI report of one local day of the office, as the page's API gives it."""
    with urllib.request.urlopen(f"{address}/api/v1/offices/{office}/report?day={day}", timeout=30) as answer:  # noqa: S310 - our own
        report: dict[str, Any] = json.load(answer)
    return report


def differences(expected: dict[str, Any], shown: dict[str, Any]) -> list[str]:
    """One line for each figure that is not as the PBX logged it."""
    wrong = []
    for queue, figures in expected["queues"].items():
        have = shown["queues"].get(queue, {})
        for kpi, figure in figures.items():
            value = have.get(kpi, {}).get("value")
            tolerance = expected["asa_tolerance_s"] if kpi == "asa" else 0
            if value is None or abs(value - figure) > tolerance:
                wrong.append(f"{queue}: {kpi} is {value}, the PBX says {figure}")
    return wrong


def kpi_table(shown: dict[str, Any]) -> str:
    """A row per queue and the sum: what a manager asks first."""
    rows = [("queue", *COUNTS, "ASA s", "service level %")]
    for name, values in [*sorted(shown["queues"].items()), ("all", shown["total"])]:
        counts = [f"{values[kpi]['value']:.0f}" for kpi in COUNTS]
        rows.append((name, *counts, _number(values["asa"]), _number(values["service_level"])))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )


def _number(value: dict[str, Any]) -> str:
    return "-" if value["value"] is None else f"{value['value']:.2f}"
