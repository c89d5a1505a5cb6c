"""Every read of the archive.  Each asks for the viewer (or a rule): no read without a decision."""

from .finding import Found, Hit, Snippet, find, similar_codes
from .holdings import Branch, class_by_id, holdings_tree, label_of, records_of_class
from .records import (
    corrections_of,
    description_rows,
    doubtful_lines,
    events_of,
    files_of,
    fixity_runs,
    formats_held,
    newest_records,
    page_of_record,
    pages_of,
    readable,
    record_by_code,
    record_by_id,
    record_json,
    verification_state,
)
from .sight import Sight, as_seen, is_withheld, sight_of, sights
from .why import Explanation, explain, readers_of

__all__ = [
    "Branch",
    "Explanation",
    "Found",
    "Hit",
    "Sight",
    "Snippet",
    "as_seen",
    "class_by_id",
    "corrections_of",
    "description_rows",
    "doubtful_lines",
    "events_of",
    "explain",
    "files_of",
    "find",
    "fixity_runs",
    "formats_held",
    "holdings_tree",
    "is_withheld",
    "label_of",
    "newest_records",
    "page_of_record",
    "pages_of",
    "readable",
    "readers_of",
    "record_by_code",
    "record_by_id",
    "record_json",
    "records_of_class",
    "sight_of",
    "sights",
    "similar_codes",
    "verification_state",
]
