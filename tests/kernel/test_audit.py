"""The audit chain and its stand-alone verifier: whatever is done to rows is found, and named."""

import ast
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.audit_rows import (
    KEY,
    Made,
    chain,
    chained_again,
    head_of,
    lay_out,
    row_after,
    seals_of,
)

from liandong.kernel import audit, verify_audit
from liandong.kernel.audit import CELLS, FIELDS, Tree, cell_sums, proofs, row_code
from liandong.kernel.verify_audit import Checker

SCRIPT = Path(verify_audit.__file__)
Found = list[tuple[str, int, int, str]]


def check(
    rows: Sequence[Made], seals: Sequence[Made] = (), head: Made | None = None, **options: Any
) -> Found:
    """What the checker finds, as code, first, last, note."""
    told = ([seal[name] for name in verify_audit.SEAL] for seal in seals)
    checker = Checker(told, head, **options)
    for row in rows:
        checker.feed([row[name] for name in verify_audit.FIELDS])
    return [(one["code"], one["first"], one["last"], one["note"]) for one in checker.end()]


def stand_alone(folder: Path, *files: str) -> tuple[int, str]:
    """Exit code and output of the script, run as a stranger runs it."""
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT, *files],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    return done.returncode, done.stdout + done.stderr


# What the chain is -------------------------------------------------------------------------------


def test_the_verifier_has_at_most_200_lines_and_only_the_standard_library() -> None:
    text = SCRIPT.read_text("utf-8")
    assert text.count("\n") <= 200
    tree = ast.parse(text, feature_version=(3, 9))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    named = {one.name for node in imports for one in node.names if isinstance(node, ast.Import)}
    named |= {node.module or "." for node in imports if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in named} <= sys.stdlib_module_names


def test_a_chain_as_it_was_written_is_right() -> None:
    rows = chain(60)
    assert check(rows, seals_of(rows, 20, 40), head_of(rows)) == []


@pytest.mark.parametrize("algorithm", audit.ALGORITHMS)
def test_either_algorithm_is_verified(algorithm: str) -> None:
    rows = chain(5, algorithm=algorithm)
    assert rows[0]["hash"].startswith(f"{algorithm}:")
    assert check(rows, seals_of(rows, 3, algorithm=algorithm)) == []


def test_a_chain_that_changed_its_algorithm_goes_on() -> None:
    rows = chain(3)
    rows += [row_after(rows[-1], algorithm="sha256")]
    assert check([*rows, row_after(rows[-1])]) == []


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(ValueError, match="md5"):
        audit.digest(b"", "md5")


cell = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.lists(st.dictionaries(st.sampled_from(CELLS), cell), min_size=1, max_size=4))
def test_the_verifier_reads_every_text_as_the_writer_wrote_it(cells: list[dict[str, str]]) -> None:
    rows: list[Made] = []
    for one in cells:
        rows.append(row_after(rows[-1] if rows else None, **one))
    assert check(rows) == []
    assert [verify_audit.sums([row[name] for name in FIELDS]) for row in rows] == [
        cell_sums(row) for row in rows
    ]


@given(st.binary(max_size=300))
def test_the_verifier_has_its_own_sm3(content: bytes) -> None:
    assert verify_audit.plain_sm3(content) == hashlib.new("sm3", content).digest()


def test_the_keyed_code_is_an_hmac() -> None:
    import hmac

    for key in (KEY, b"k" * 100):
        told = audit.code_of(b"abc", key, "sha256").split(":")[1]
        assert told == hmac.new(key, b"abc", "sha256").hexdigest()


@given(st.integers(1, 40), st.data())
def test_every_row_is_proved_to_be_under_the_root(count: int, data: st.DataObject) -> None:
    rows = chain(count)
    (seal,) = seals_of(rows, count)
    place = data.draw(st.integers(0, count - 1))
    (steps,) = proofs([row["hash"] for row in rows], [place], "sm3")
    row = [rows[place][name] for name in verify_audit.FIELDS]
    checker = Checker([[seal[name] for name in verify_audit.SEAL]])
    checker.single(row, steps, 1)
    assert checker.faults == []
    checker.single(row, [*steps, f">{'0' * 64}"], 1)
    assert checker.faults[-1]["code"] == "proof"


def test_the_root_of_nothing_is_the_digest_of_nothing() -> None:
    assert Tree("sm3").root() == audit.digest(b"", "sm3")


# What is done to it ------------------------------------------------------------------------------


def renumbered(rows: Sequence[Made], start: int = 1) -> list[Made]:
    return [row | {"number": number} for number, row in enumerate(rows, start)]


def swapped(rows: Sequence[Made], one: int, other: int) -> list[Made]:
    """The rows with these numbers under each other's number, as UPDATE does it in a table."""
    made = {row["number"]: row for row in rows}
    made[one], made[other] = made[other] | {"number": one}, made[one] | {"number": other}
    return [made[number] for number in sorted(made)]


def foreign(rows: Sequence[Made], after: int) -> Made:
    """A row that links to row `after`, as a forger without the key makes it."""
    return row_after(rows[after - 1] if after else None, key=b"x" * 32, by="nobody")


@pytest.mark.parametrize("name", verify_audit.FIELDS)
@pytest.mark.parametrize("number", [1, 10, 20])
def test_a_changed_cell_is_named(name: str, number: int) -> None:
    rows = chain(20)
    before = rows[number - 1][name]
    after = 400 if name == "number" else f"{before[:-1]}{'1' if before[-1:] != '1' else '2'}"
    if name == "number":
        moved = [row | {"number": after} if row["number"] == number else row for row in rows]
        changed = sorted(moved, key=lambda row: int(row["number"]))
        expected: Found = [("moved", 400, 400, str(number))]
    else:
        changed = [row | {name: after} if row["number"] == number else row for row in rows]
        expected = [("changed", number, number, name)]
    assert check(changed, (), head_of(rows)) == expected


def test_a_changed_cell_of_the_last_row_is_named_as_far_as_it_can_be_known() -> None:
    rows = chain(5)
    for name in ("hash", "mac"):
        changed = [*rows[:4], rows[4] | {name: "sm3:00"}]
        assert check(changed) == [("changed", 5, 5, "hash/mac")]


def test_several_changed_cells_are_all_named() -> None:
    rows = chain(9)
    rows[4] |= {"by": "wang", "outcome": "refused"}
    assert check(rows) == [("changed", 5, 5, "by"), ("changed", 5, 5, "outcome")]


@pytest.mark.parametrize("number", [1, 10, 19])
def test_a_cell_changed_with_its_sum_and_hash_is_named_by_the_next_row(number: int) -> None:
    rows = chain(20)
    row = rows[number - 1] | {"by": "wang"}
    row["hash"] = audit.row_hash(row, "sm3")
    rows[number - 1] = row
    assert check(rows) == [("changed", number, number, "by")]
    row["cells"] = cell_sums(row)
    row["hash"] = audit.row_hash(row, "sm3")
    assert check(rows) == [("changed", number, number, "hash")]


@pytest.mark.parametrize("number", [1, 10, 20])
def test_a_removed_row_is_named(number: int) -> None:
    rows = chain(20)
    left = [row for row in rows if row["number"] != number]
    assert check(left, (), head_of(rows)) == [("removed", number, number, "")]


@pytest.mark.parametrize("number", [1, 10, 20])
def test_a_removed_row_is_named_though_the_others_were_renumbered(number: int) -> None:
    rows = chain(20)
    left = renumbered([row for row in rows if row["number"] != number])
    found = check(left, (), head_of(rows))
    assert ("removed", number, number, "") in found
    moved = [("moved", n, n, str(n + 1)) for n in range(number, 20)]
    assert found == [*moved, ("removed", number, number, "")]


def test_removed_last_rows_are_found_by_the_head_and_by_a_seal_alone() -> None:
    rows = chain(20)
    assert check(rows[:17], (), head_of(rows)) == [("removed", 18, 20, "")]
    assert check(rows[:17], seals_of(rows, 5, 19)) == [("removed", 18, 19, "")]
    assert check(rows[:17]) == []  # nothing tells: why head and seals are kept elsewhere


def test_an_emptied_table_is_found() -> None:
    rows = chain(20)
    assert check([], (), head_of(rows)) == [("removed", 1, 20, "")]


@pytest.mark.parametrize(("one", "other"), [(3, 4), (1, 2), (19, 20), (3, 17), (1, 20)])
def test_swapped_rows_are_named(one: int, other: int) -> None:
    rows = chain(20)
    found = check(swapped(rows, one, other), (), head_of(rows))
    assert found == [("moved", one, one, str(other)), ("moved", other, other, str(one))]


@pytest.mark.parametrize("after", [0, 5, 19])
def test_an_inserted_row_is_named_though_the_others_made_room(after: int) -> None:
    rows = chain(20)
    made = renumbered([*rows[:after], foreign(rows, after), *rows[after:]])
    found = check(made, (), head_of(rows))
    moved = [("moved", n + 1, n + 1, str(n)) for n in range(after + 1, 21)]
    assert sorted(found) == sorted([("added", after + 1, after + 1, ""), *moved])


def test_a_row_added_at_the_end_is_named_by_its_code() -> None:
    rows = chain(5)
    known = row_knower()
    assert check([*rows, foreign(rows, 5)], (), head_of(rows), known=known) == [
        ("forged", 6, 6, "")
    ]


def row_knower() -> Callable[[Sequence[Any]], bool]:
    def known(values: Sequence[Any]) -> bool:
        row = dict(zip(FIELDS, values, strict=False))
        return len(values) < len(FIELDS) or row["mac"] == row_code(row, KEY, "sm3")

    return known


def test_a_history_written_anew_without_the_key_is_named_by_codes_seals_and_head() -> None:
    rows = chain(20)
    forged = [*rows]
    forged[9] = rows[9] | {"by": "nobody"}
    forged = [*rows[:9], *chained_again(forged, b"y" * 32)[9:]]
    forged[9]["previous"] = rows[8]["hash"]
    relinked = rows[:9]
    for row in forged[9:]:
        relinked = [*relinked, row_after(relinked[-1], key=b"y" * 32, by=row["by"])]
    found = check(relinked, seals_of(rows, 5, 15), head_of(rows))
    assert found == [("rewritten", 6, 15, "seal 2"), ("rewritten", 1, 20, "head")]
    by_code = check(relinked, known=row_knower())
    assert by_code == [("forged", number, number, "") for number in range(10, 21)]


def test_lines_out_of_order_or_twice_are_named() -> None:
    rows = chain(10)
    lines = [*rows[:3], rows[4], rows[3], *rows[5:]]
    assert check(lines, (), head_of(rows)) == [("order", 4, 4, "")]
    assert check([*rows[:4], rows[2], *rows[4:]]) == [("order", 3, 3, "")]


def test_rows_from_the_middle_are_checked_from_their_start() -> None:
    rows = chain(20)
    assert check(rows[9:], start=10) == []
    assert check(rows[10:], start=10) == [("removed", 10, 10, "")]
    seals = seals_of(rows, 9, 20)
    assert check(rows[9:], seals, start=10) == []
    odd = row_after(rows[3], by="nobody") | {"number": 10}
    odd["hash"] = audit.row_hash(odd, "sm3")
    assert ("changed", 9, 9, "hash") in check([odd, *rows[10:]], seals, start=10)


def test_a_changed_removed_or_exchanged_seal_is_named() -> None:
    rows = chain(20)
    seals = seals_of(rows, 5, 10, 15)
    assert check(rows, [seals[0] | {"count": 4}, *seals[1:]])[0][:2] == ("seal", 1)
    assert check(rows, [seals[0], seals[2]])[0][:3] == ("seal", 2, 2)
    other = seals_of(chained_again(rows, KEY), 4, 10)[1]
    assert ("seal", 2) in [found[:2] for found in check(rows, [seals[0], other, seals[2]])]


@pytest.mark.parametrize("algorithm", ["sm3", "sha256"])
def test_any_flipped_byte_of_the_rows_is_found(algorithm: str, tmp_path: Path) -> None:
    rows = chain(6, algorithm=algorithm)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    tampered = 0
    for at in range(0, len(lines[2]), 7):
        text = lines[2]
        flipped = f"{text[:at]}{chr(ord(text[at]) ^ 1)}{text[at + 1 :]}"
        try:
            row = json.loads(flipped)
            found = check([*rows[:2], row, *rows[3:]], (), head_of(rows))
        except (ValueError, KeyError, TypeError):
            found = [("unreadable", 3, 3, "")]
        assert found, flipped
        tampered += 1
    assert tampered > 50


# The script, run by a stranger --------------------------------------------------------------------


Tamper = Callable[[list[Made]], list[Made]]
DEEDS: dict[str, tuple[Tamper, str]] = {
    "nothing": (lambda rows: rows, ""),
    "changed": (lambda rows: [*rows[:4], rows[4] | {"by": "wang"}, *rows[5:]], "✗ 5 “by” 被改过"),
    "first removed": (lambda rows: rows[1:], "✗ 1 被删除"),
    "middle removed": (lambda rows: rows[:4] + rows[6:], "✗ 5–6 被删除"),
    "last removed": (lambda rows: rows[:-2], "✗ 11–12 被删除"),
    "swapped": (lambda rows: swapped(rows, 3, 8), "✗ 3 被挪动 moved, it was row 8"),
    "inserted": (
        lambda rows: renumbered([*rows[:4], foreign(rows, 4), *rows[4:]]),
        "✗ 5 后来添加",
    ),
    "renumbered": (lambda rows: renumbered(rows, 2), "✗ 2 被挪动 moved, it was row 1"),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_the_script_alone_names_what_was_done(deed: str, tmp_path: Path) -> None:
    rows = chain(12)
    tamper, expected = DEEDS[deed]
    files = lay_out(tmp_path, tamper(rows), seals_of(rows, 5, 10), head_of(rows))
    code, said = stand_alone(tmp_path, *files)
    assert (code, expected in said) == (1 if expected else 0, True), said


def test_the_script_says_when_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"number": 1}\n', "utf-8")
    assert stand_alone(tmp_path, "rows.jsonl")[0] == 2
    assert stand_alone(tmp_path, "nothing.jsonl")[0] == 2
    assert stand_alone(tmp_path)[0] == 2
    (tmp_path / "bad.zip").write_bytes(b"PK")
    assert stand_alone(tmp_path, "bad.zip")[0] == 2


def test_the_script_works_where_openssl_has_no_sm3(tmp_path: Path) -> None:
    rows = chain(3)
    files = lay_out(tmp_path, rows, seals_of(rows, 3), head_of(rows))
    without = (
        "import hashlib, runpy, sys\n"
        "new = hashlib.new\n"
        "def refuse(name, *rest):\n"
        "    if name == 'sm3': raise ValueError('unsupported hash type sm3')\n"
        "    return new(name, *rest)\n"
        "hashlib.new = refuse\n"
        f"sys.argv = ['verify_audit.py', *{files!r}]\n"
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", without], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "0 处不符" in done.stdout) == (0, True), done.stdout + done.stderr
