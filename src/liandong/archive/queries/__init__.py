"""Every read of the archive.  Each asks for the viewer (or a rule): no read without a decision."""

from .finding import Found, Hit, Snippet, find, similar_codes
from .holdings import Branch, class_by_id, holdings_tree, records_of_class
from .records import (
    Explanation,
    corrections_of,
    doubtful_lines,
    events_of,
    explain,
    files_of,
    fixity_runs,
    newest_records,
    page_of_record,
    pages_of,
    readable,
    record_by_code,
    record_by_id,
    record_json,
    verification_state,
)

__all__ = [
    "Branch",
    "Explanation",
    "Found",
    "Hit",
    "Snippet",
    "class_by_id",
    "corrections_of",
    "doubtful_lines",
    "events_of",
    "explain",
    "files_of",
    "find",
    "fixity_runs",
    "holdings_tree",
    "newest_records",
    "page_of_record",
    "pages_of",
    "readable",
    "record_by_code",
    "record_by_id",
    "record_json",
    "records_of_class",
    "similar_codes",
    "verification_state",
]
