"""Tables as files, for spreadsheets and programs."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response

from cloud_sink.reports.tables import file_name, make_export
from cloud_sink.sheets import FORMATS
from cloud_sink.web.api import AskedFor, responses_of_errors

router = APIRouter(prefix="/api/v1", responses=responses_of_errors())


@router.get("/offices/{office}/export/{name}.{kind}", summary="A table as a file", response_class=Response)
def get_export(
    about: AskedFor,
    name: Annotated[str, Path(description="report, queues, extensions, contacts, missed or grid")],
    kind: Annotated[Literal["csv", "xlsx"], Path(description="csv or xlsx")],
) -> Response:
    """For spreadsheets and programs; texts that a spreadsheet would compute are made harmless."""
    file = make_export(about.office, about.period, name, kind)
    disposition = f'attachment; filename="{file_name(about.office, about.period, name, kind)}"'
    return Response(file, media_type=FORMATS[kind], headers={"Content-Disposition": disposition})
