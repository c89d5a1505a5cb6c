"""What a check function sees of an item or a batch, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from liandong.intake.models import Batch, HandedFile, Item
from liandong.kernel.checks import Finding, Severity, Verdict
from liandong.kernel.findings import severity_of


@dataclass(frozen=True, slots=True)
class Answer:
    """What one check function says."""

    verdict: Verdict
    expected: str = ""
    actual: str = ""
    evidence: str = ""
    findings: tuple[Finding, ...] = ()


def not_applicable(why: str = "") -> Answer:
    """There is nothing to check."""
    return Answer(Verdict.NOT_APPLICABLE, actual=why)


def by_hand(why: str = "", evidence: str = "") -> Answer:
    """A person must look."""
    return Answer(Verdict.MANUAL_REVIEW, actual=why, evidence=evidence)


def judge(
    findings: Sequence[Finding], *, expected: str = "", actual: str = "", evidence: str = ""
) -> Answer:
    """PASS without findings, else by the worst of them; the caller has really checked."""
    verdict = worst(findings)
    if findings and not actual:
        actual = "；".join(dict.fromkeys(place(finding) for finding in findings))[:300]
    return Answer(verdict, expected, actual, evidence, tuple(findings))


def worst(findings: Sequence[Finding]) -> Verdict:
    """The verdict that findings give: FAIL when one blocks, WARN when one warns, else PASS."""
    severities = {severity_of(finding.code) for finding in findings}
    if Severity.BLOCK in severities:
        return Verdict.FAIL
    return Verdict.WARN if Severity.WARN in severities else Verdict.PASS


def told(findings: Sequence[Finding], *codes: str) -> list[Finding]:
    """Those findings whose code begins with one of these."""
    return [finding for finding in findings if finding.code.startswith(codes)]


def place(finding: Finding) -> str:
    """Where a finding is, for the column `actual`: code, file, row, column."""
    row = f"第 {finding.row} 行" if finding.row else ""
    return " ".join(part for part in (finding.code, finding.where, row, finding.column) if part)


def link_prefix(batch: Batch) -> str:
    """GD when the hand-over is a filing (归档), YJ when it is a transfer (移交)."""
    return "GD" if batch.declared.get("link") == "filing" else "YJ"


@dataclass(slots=True)
class ItemSight:
    """One item as the checks see it."""

    item: Item
    prefix: str  # YJ or GD
    today: date
    files: list[HandedFile]  # content, in reading order
    template: str = ""  # code template of the fonds, "" without a fonds
    fonds: str = ""  # number of the fonds
    told: list[Finding] = field(default_factory=list)  # by unpack and identify
    hostile: list[Finding] = field(default_factory=list)  # own safety checks
    unreadable: list[Finding] = field(default_factory=list)  # blocking ones of the reader
    scanner: tuple[bool, str] = (False, "")
    infected: list[Finding] = field(default_factory=list)
    unscanned: list[str] = field(default_factory=list)
    taken_codes: frozenset[str] = frozenset()  # archival codes that the holdings have
    taken_titles: frozenset[tuple[str, str]] = frozenset()  # (document number, title)

    @property
    def description(self) -> Mapping[str, str]:
        description: Mapping[str, str] = self.item.description
        return description

    @property
    def is_described(self) -> bool:
        """The hand-over says more of it than its file name does."""
        return self.item.row is not None or bool(set(self.description) - {"title"})

    def find(self, suffix: str, where: str = "", column: str = "", **facts: str) -> Finding:
        """A finding of this link's check, e.g. suffix `1-7a` gives YJ-1-7a or GD-1-7a."""
        return Finding(f"{self.prefix}-{suffix}", where, self.item.row, column, facts=facts)
