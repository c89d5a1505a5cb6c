"""What the archive takes and what suits long-term keeping: `catalog/allowed_formats.csv`."""

from liandong.kernel.catalog import by_key


def is_allowed(puid: str) -> bool:
    """Whether `catalog/allowed_formats.csv` has this PUID."""
    return puid in by_key("allowed_formats", "puid")


def is_long_term(puid: str) -> bool:
    """Whether the format is suited to long-term keeping.  Source: GB/T 18894-2016 (from memory)."""
    row = by_key("allowed_formats", "puid").get(puid)
    return row is not None and row["long_term"] == "yes"
