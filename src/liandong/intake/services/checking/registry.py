"""Which function does which row of `catalog/four_property_checks.csv`; tested to be complete.

GD (filing) and YJ (transfer) have the same functions by the part of the code after the prefix.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from liandong.kernel.catalog import by_key
from liandong.kernel.checks import CheckResult, Verdict

from . import batches, contents, descriptions
from .batches import BatchSight
from .sight import Answer, ItemSight

ITEM_CHECKS: Mapping[str, Callable[[ItemSight], Answer]] = {
    "1-1": contents.signatures,
    "1-2": descriptions.lengths,
    "1-3": descriptions.forms,
    "1-4": descriptions.domains,
    "1-5": descriptions.plausibility,
    "1-6": descriptions.special_characters,
    "1-7": descriptions.archival_code,
    "1-8": descriptions.duplicates,
    "1-10": contents.attributes,
    "1-11": contents.link_to_content,
    "2-4": descriptions.mandatory,
    "2-7": contents.content_complete,
    "2-8": descriptions.attachments,
    "3-3": contents.formats,
    "3-4": contents.readability,
    "3-5": contents.long_term,
    "3-8": contents.package_format,
    "4-2": contents.viruses,
}
BATCH_CHECKS: Mapping[str, Callable[[BatchSight], Answer]] = {
    "1-12": batches.catalogue_files,
    "1-13": batches.package_structure,
    "1-14": batches.package_identity,
    "2-1": batches.item_count,
    "2-2": batches.byte_count,
    "2-3": batches.elements_present,
    "2-6": batches.sequence,
    "2-10": batches.package_metadata,
    "2-11": batches.package_content,
    "3-1": batches.metadata_readable,
    "3-2": batches.database_readable,
    "4-1": batches.scanner_present,
    "4-3": batches.extra_files,
    "4-4": batches.carrier,
    "4-5": batches.carrier,
    "4-6": batches.carrier,
}
MANUAL = frozenset({"2-5", "2-9", "3-6", "4-7"})  # only people can say; never PASS by machine
IN_ARCHIVE: Mapping[str, str] = {  # preservation: done by `liandong archive verify`, not here
    "CQ-1-P1": "verify: digests of every file; certificates are MANUAL",
    "CQ-1-P2": "verify: paths and digests of the OCFL inventory",
    "CQ-1-P3": "verify: inventory and its sidecar",
    "CQ-2-P1": "verify: counts of records and bytes",
    "CQ-3-P1": "MANUAL",
    "CQ-3-P2": "MANUAL",
    "CQ-4-P1": "MANUAL",
    "CQ-4-P2": "MANUAL",
    "CQ-4-P3": "MANUAL",
}
SCANNER_SETTLES = frozenset({"4-2"})  # issue 2: a trusted scanner's word counts at transfer too


def check_item(sight: ItemSight) -> dict[str, Answer]:
    """The answer of every check of one item by its code, in the order of the catalogue."""
    return {
        f"{sight.prefix}-{suffix}": settle(f"{sight.prefix}-{suffix}", function(sight))
        for suffix, function in ITEM_CHECKS.items()
    }


def check_whole(sight: BatchSight) -> dict[str, Answer]:
    """The answer of every check of the batch as a whole, MANUAL ones included."""
    answers = {
        f"{sight.prefix}-{suffix}": settle(f"{sight.prefix}-{suffix}", function(sight))
        for suffix, function in BATCH_CHECKS.items()
    }
    for suffix in sorted(MANUAL):
        code = f"{sight.prefix}-{suffix}"
        method = by_key("four_property_checks", "code")[code]["method"]
        answers[code] = Answer(Verdict.MANUAL_REVIEW, expected=method, actual="须人工确认")
    return answers


def settle(code: str, answer: Answer) -> Answer:
    """The answer as it may stand: what a machine alone cannot settle is never a PASS."""
    row = by_key("four_property_checks", "code")[code]
    alone = row["mode"] != "MANUAL" and "cannot be settled by machine alone" not in row["note"]
    is_settled = alone or code.split("-", 1)[1] in SCANNER_SETTLES
    if answer.verdict is Verdict.PASS and not is_settled:
        return replace(answer, verdict=Verdict.MANUAL_REVIEW)
    return answer


def as_result(code: str, answer: Answer) -> CheckResult:
    """The row of the report that an answer makes."""
    return CheckResult(code, answer.verdict, answer.expected, answer.actual, answer.evidence)
