"""A file of rows that are no models, streamed, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

from inventory.columns import csv_value

_PIECE = 1_000


def answer(
    name: str, head: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        _lines(head, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _lines(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    piece = io.StringIO()
    writer = csv.writer(piece)
    writer.writerow(head)
    for number, row in enumerate(rows, start=1):
        writer.writerow([csv_value(cell) for cell in row])
        if number % _PIECE == 0:
            yield piece.getvalue()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue()
