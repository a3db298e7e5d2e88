"""The formats of a report: what each is for, what its file is called, and which module writes it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from frameworks.reports import csv_files, html_page, json_document, ocsf, oscal, pdf, xlsx
from frameworks.snapshot import Rows, Snapshot

Write = Callable[[Snapshot, Rows, IO[bytes]], None]


@dataclass(frozen=True)
class Format:
    """`write` is None for the bundle, which needs a key to sign with."""

    key: str
    label: str
    suffix: str
    media_type: str
    about: str
    write: Write | None

    def file_name(self, snapshot_number: int, day: str) -> str:
        kind = "evidence" if self.key == "bundle" else "assessment"
        return f"mandate-{kind}-{snapshot_number}-{day}{self.suffix}"


FORMATS = {
    one.key: one
    for one in (
        Format(
            "pdf", "PDF", ".pdf", "application/pdf",
            "To read, print and file: typeset, with contents, charts and page numbers.", pdf.write,
        ),
        Format(
            "html", "HTML", ".html", "text/html; charset=utf-8",
            "To read in a browser: one file that needs nothing else.", html_page.write,
        ),
        Format(
            "xlsx", "Excel workbook", ".xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "To sort and filter: a sheet for each view, with every identity, grant and row of evidence.",
            xlsx.write,
        ),
        Format(
            "csv", "CSV files", "-csv.zip", "application/zip",
            "To load elsewhere: the views of the workbook as plain files.", csv_files.write,
        ),
        Format(
            "json", "JSON", ".json", "application/json",
            "For programs: everything, by a published schema.", json_document.write,
        ),
        Format(
            "oscal", "OSCAL", "-oscal.zip", "application/zip",
            "For GRC tools: OSCAL 1.2.1 results, plan, catalogues and mappings.", oscal.write,
        ),
        Format(
            "ocsf", "OCSF findings", "-ocsf.jsonl", "application/jsonl",
            "For a SIEM: OCSF 1.8.0 compliance and detection findings, one in each line.", ocsf.write,
        ),
        Format(
            "bundle", "Evidence bundle", "-evidence.zip", "application/zip",
            "For proof: every other format, the rows behind every number, hashes and a signature.", None,
        ),
    )
}  # fmt: skip
