"""Tables as files, for spreadsheets and programs."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response

from cloud_sink.reports.make import FORMATS, export_file, file_name
from cloud_sink.reports.tables import EXPORTS
from cloud_sink.web.api import AskedFor, responses_of_errors

router = APIRouter(prefix="/api/v1", responses=responses_of_errors())


@router.get("/offices/{office}/export/{name}.{kind}", summary="A table as a file", response_class=Response)
def get_export(
    about: AskedFor,
    name: Annotated[str, Path(description=", ".join(EXPORTS))],
    kind: Annotated[Literal["csv", "xlsx", "pdf"], Path(description="csv, xlsx or pdf")],
) -> Response:
    """For spreadsheets and programs; texts that a spreadsheet would compute are made harmless."""
    file = export_file(about.office, about.period, name, kind)
    disposition = f'attachment; filename="{file_name(about.office, about.period, name, kind)}"'
    return Response(file, media_type=FORMATS[kind], headers={"Content-Disposition": disposition})
