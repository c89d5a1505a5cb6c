"""Breaks the access rule and each of its compilers on purpose, and says which breaks go unseen.

    python tests/mutate_access.py [FIRST [LAST]]

Every mutant changes one place of a copy of the sources and runs the agreement tests over it: a
mutant that survives is a rule nobody tests.  Takes minutes, so it is no part of `make test`.
Exit code 1 when one survives or no longer applies.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
TESTS = ("tests/kernel/test_access.py", "tests/archive/test_agreement.py")
OF_POLICIES = (
    "tests/archive/test_policies.py", "tests/archive/test_sight.py",
    "tests/exchange/test_sharing.py",
)  # fmt: skip
"""The agreement asks every reader by the same rules; what the rules must say is said here."""


class Mutant(NamedTuple):
    """One place of one file, and what stands there instead."""

    file: str
    before: str
    after: str


_KERNEL, _SQL = "kernel/access.py", "base/access.py"
_INDEX, _ALTERNATIVES = "engines/search/conditions.py", "engines/search/grants.py"
_TANTIVY, _SERVER = "engines/search/tantivy_conditions.py", "engines/search/opensearch_questions.py"
_POLICY, _SIGHT = "archive/policies.py", "archive/queries/sight.py"
MUTANTS = (
    Mutant(_KERNEL, "return fact <= most", "return fact < most"),
    Mutant(_KERNEL, "return fact <= most", "return fact >= most"),
    Mutant(_KERNEL, "return all(holds(part, facts)", "return any(holds(part, facts)"),
    Mutant(_KERNEL, "return any(holds(part, facts)", "return all(holds(part, facts)"),
    Mutant(_KERNEL, "value in fact if isinstance(fact, frozenset)",
           "value not in fact if isinstance(fact, frozenset)"),
    Mutant(_KERNEL, "else fact == value", "else fact != value"),
    Mutant(_KERNEL, "if len(values) == 1 else Among", "if values else Among"),
    Mutant(_SQL, '__lte", min(most', '__lt", min(most'),
    Mutant(_SQL, '__lte", min(most', '__gte", min(most'),
    Mutant(_SQL, "reduce(and_, (_to_q", "reduce(or_, (_to_q"),
    Mutant(_SQL, "reduce(or_, (_to_q(part, names) for part in gathered(rules)), _NO_ONE)",
           "reduce(or_, (_to_q(part, names) for part in gathered(rules)), _EVERYONE)"),
    Mutant(_SQL, "for part in rules), _EVERYONE)", "for part in rules[1:]), _EVERYONE)"),
    Mutant(_SQL, 'Q((f"{where}__in", known))', 'Q((f"{where}__in", known[:1]))'),
    Mutant(_POLICY,
           "return AnyOf((_opened(today), *_duty(viewer), *shared))\n\n\ndef may_read_whole",
           "return AnyOf((_opened(today), *shared))\n\n\ndef may_read_whole"),
    Mutant(_POLICY, "for share in viewer.shares if share.whole)", "for share in viewer.shares)"),
    Mutant(_POLICY, "for share in viewer.shares if use in share.uses)",
           "for share in viewer.shares)"),
    Mutant(_POLICY, "if share.whole and use in share.uses", "if share.whole or use in share.uses"),
    Mutant(_POLICY, "if viewer.officer or not viewer.is_signed_in:", "if viewer.officer:"),
    Mutant(_POLICY, 'AllOf((Eq("unit", viewer.unit), cleared))',
           'AnyOf((Eq("unit", viewer.unit), cleared))'),
    Mutant(_POLICY, 'AtMost("open_from", today)', 'AtMost("open_from", 99999999)'),
    Mutant(_SIGHT, "Sight.WHOLE if sees_whole else Sight.MASKED", "Sight.WHOLE"),
    Mutant(_SIGHT, "if may(may_read_whole(anybody, today), record):",
           "if may(may_read(anybody, today), record):"),
    Mutant("archive/queries/shares.py", "ends_at__gt=now, ", ""),
    Mutant("archive/queries/shares.py", "withdrawn_at__isnull=True", "withdrawn_at__isnull=False"),
    Mutant("archive/queries/shares.py", "begins_at__lte=now, ", ""),
    Mutant(_INDEX, 'self._range(f"fact_{name}", None, most)',
           'self._range(f"fact_{name}", None, most + 1)'),
    Mutant(_INDEX, "return self.all([self.allow(part)", "return self.any([self.allow(part)"),
    Mutant(_TANTIVY, "if value <= need.most}", "if value < need.most}"),
    Mutant(_TANTIVY, "Occur.NOT, self.equal(need.field, sorted(over))",
           "Occur.NOT, self.equal(need.field, sorted(over)[1:])"),
    Mutant(_TANTIVY, "for need in grant]) for grant in grants]",
           "for need in grant]) for grant in list(grants)[:1]]"),
    Mutant(_ALTERNATIVES, "return all(any(_implies(part, need) for part in narrow)",
           "return any(any(_implies(part, need) for part in narrow)"),
    Mutant(_SERVER, "[(Occur.MUST, granted)] if outside else []", "[]"),
    Mutant(_SERVER, "[(Occur.NOT, granted)] if inside else []", "[]"),
)  # fmt: skip


def outcome(mutant: Mutant) -> tuple[str, str]:
    """killed with the test that did, survived, or gone when the place is not there any more."""
    with tempfile.TemporaryDirectory(prefix="liandong-mutant-") as folder:
        sources = Path(folder) / "src"
        shutil.copytree(ROOT / "src", sources, ignore=shutil.ignore_patterns("__pycache__"))
        file = sources / "liandong" / mutant.file
        text = file.read_text("utf-8")
        if text.count(mutant.before) < 1:
            return "gone", ""
        file.write_text(text.replace(mutant.before, mutant.after, 1), "utf-8")
        command = [
            sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
            "-o", f"pythonpath={sources} .",
            *(OF_POLICIES if mutant.file.startswith("archive/") else ()), *TESTS,
        ]  # fmt: skip
        environment = os.environ | {"LIANDONG_HOME": f"{folder}/home", "HYPOTHESIS_PROFILE": "ci"}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True,
            timeout=1200,
        )  # fmt: skip
    said = {0: "survived", 1: "killed"}.get(done.returncode, f"broken ({done.returncode})")
    by = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return said, by[1] if by else ""


def main(arguments: list[str]) -> int:
    """Run the mutants of this range, from 1; one JSON line each."""
    first = int(arguments[0]) if arguments else 1
    last = int(arguments[1]) if len(arguments) > 1 else len(MUTANTS)
    outcomes = []
    for at, mutant in enumerate(MUTANTS[first - 1 : last], start=first):
        said, by = outcome(mutant)
        outcomes.append(said)
        row = {"mutant": at, "outcome": said, "by": by, **mutant._asdict()}
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    return int(any(one != "killed" for one in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
