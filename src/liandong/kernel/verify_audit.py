"""Checks audit rows and seals by itself: runs wherever Python 3.9 does, and needs nothing else.

    python3 -I verify_audit.py EVIDENCE.zip
    python3 -I verify_audit.py ROWS.jsonl [SEALS.jsonl [head.json [NUMBER OF THE FIRST ROW]]]

Names each row that was changed (and which cell), removed, added or moved.  Exit code: 0 nothing
found, 1 found, 2 unreadable.  Source: GB/T 32905-2016 (SM3); RFC 6962, 2.1 (tree of a seal).
"""
import hashlib, json, struct, sys, zipfile, zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

FIELDS = ("number at by roles unit act object outcome why origin request facts"
          " cells previous mac hash").split()
SEAL = "number day at first last count last_hash root faults previous mac hash".split()
CELLS, PREVIOUS, HASH = 12, 13, 15
WORDS = {
    "changed": "“{}” 被改过 changed", "removed": "被删除 removed {}", "added": "后来添加 added {}",
    "moved": "被挪动 moved, it was row {}", "forged": "非本系统所写 not written by this system {}",
    "order": "次序颠倒或重复 out of order, or twice {}", "proof": "不在封存之内 not under seal {}",
    "rewritten": "整段被重写 rewritten, differs from {}", "seal": "号封存有误 wrong seal: {}",
}
Row = Sequence[Any]
encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

def digest(content: bytes, algorithm: str) -> bytes:
    try:
        return hashlib.new(algorithm, content).digest()
    except ValueError:  # an OpenSSL without SM3
        return plain_sm3(content)
def hash_of(values: Row, like: str) -> str:  # by the algorithm of the hash `like`
    algorithm = "sm3" if str(like).startswith("sm3:") else "sha256"
    return f"{algorithm}:{digest(encode(values).encode('utf-8', 'replace'), algorithm).hex()}"
def sums(row: Row) -> str:
    return "".join(f"{zlib.crc32(str(one).encode('utf-8', 'replace')):08x}" for one in row[1:CELLS])

class Checker:  # `feed` it rows in order, then `end` it: faults are code, first, last, note
    def __init__(self, seals: Iterable[Row] = (), head: Any = None, start: int = 1,
                 known: Callable[[Row], bool] = lambda row: True) -> None:
        self.faults: list[dict[str, Any]] = []
        self.known, self.tries, self.shift = known, 100_000, 0
        self.place = self.true = self.highest = start - 1  # the last row: as it says, as it was
        self.link: Any = "" if start == 1 else None  # its hash; None while unknown
        self.last = self.held = ()  # type: Row  # held: the next row tells of it
        self.gaps: list[tuple[int, int]] = []  # numbers that no row has
        self.absent, self.early = set(), set()  # type: set[int], set[int]  # moved from, moved to
        self.anchors: dict[int, list[tuple[str, str, int]]] = {}  # by last row: hash, name, first
        self.wrong: dict[str, tuple[int, int]] = {}  # anchors that no row fits
        self.seals = {seal[0]: seal for seal in self._whole(seals)}
        told = [(one[4], (one[6], f"seal {one[0]}", one[3])) for one in self.seals.values()]
        for last, one in told + ([(head["number"], (head["hash"], "head", 1))] if head else []):
            self.anchors.setdefault(last, []).append(one)
            self.link = one[0] if last == start - 1 else self.link

    def fault(self, code: str, first: int, note: Any = "", last: int = 0) -> None:
        self.faults.append({"code": code, "first": first, "last": last or first, "note": str(note)})

    def _whole(self, seals: Iterable[Row]) -> Iterator[Row]:  # those that are as they were made
        last: Row = ()
        for seal in sorted(seals, key=lambda one: (one[0], one[-1])):
            if hash_of(seal[:-1], seal[-1]) != seal[-1] or not self.known(seal):
                self.fault("seal", seal[0], "被改过 changed")
                continue
            if last and seal[0] > last[0] + 1:
                self.fault("seal", last[0] + 1, "缺失 removed", seal[0] - 1)
            elif last and last[-1] not in (seal[-1], seal[9]):
                self.fault("seal", seal[0], "与前一个不相接 does not follow the one before")
            last = seal
            yield seal

    def feed(self, row: Row) -> None:
        if self.held:
            self._judge(self.held, row)
        self.held = row

    def end(self) -> list[dict[str, Any]]:
        if self.held:
            self._judge(self.held, ())
        for name, (first, last) in self.wrong.items():
            self.fault("rewritten", first, name, last)
        most = max([self.highest, *self.anchors])
        for first, last in [*self.gaps, *((n, n) for n in self.absent), (self.highest + 1, most)]:
            for number in sorted(one for one in self.early if first <= one <= last) + [last + 1]:
                if first < number and first <= most:
                    self.fault("removed", first, "", number - 1)
                first = number + 1
        return self.faults

    def single(self, row: Row, proof: Sequence[str], seal: int) -> None:  # proof: up to the root
        if hash_of(row[:HASH], row[HASH]) != row[HASH]:
            self._diagnose(row, "", ())
        algorithm = str(row[HASH]).split(":")[0]
        node = digest(b"\0" + str(row[HASH]).encode(), algorithm)
        for step in proof:
            pair = [bytes.fromhex(step[1:]), node]
            node = digest(b"\1" + b"".join(pair if step[0] == "<" else pair[::-1]), algorithm)
        if seal not in self.seals or self.seals[seal][7] != f"{algorithm}:{node.hex()}":
            self.fault("proof", row[0], seal)

    def _judge(self, row: Row, after: Row) -> None:
        place, true, link, genuine = row[0], row[0], row[HASH], True
        found = hash_of(row[:HASH], link)
        if found != link:
            true, link, genuine = self._diagnose(row, found, after)
        elif not self.known(row):
            self.fault("forged", place)
        if place <= self.place:  # in files only: a table has each number once, in order
            self.early.add(place)
            return self.fault("order", place)
        if place > self.place + 1:
            self.gaps.append((self.place + 1, place - 1))
        if true != place:
            self.fault("moved", place, true)
            self.shift = true - place
            for n, here, there in (place, self.early, self.absent), (true, self.absent, self.early):
                here.remove(n) if n in here else there.add(n)
        if genuine and self.last and row[PREVIOUS] == self.last[PREVIOUS]:
            self.fault("added", self.place)
        elif genuine and self.link not in (None, row[PREVIOUS]) and true == self.true + 1:
            self.fault("changed", self.place, " ".join(self._cells(self.last)) or "hash")
        for told, name, first in self.anchors.get(true, ()):
            self.wrong.pop(name, 0) if told == link else self.wrong.update({name: (first, true)})
        self.link, self.place, self.true, self.last = link, place, true, row
        self.highest = max(self.highest, true)

    def _cells(self, row: Row) -> list[str]:
        told, made = (str(row[CELLS]), sums(row)) if row else ("", "")
        parts = [(told[at : at + 8], made[at : at + 8]) for at in range(0, len(made), 8)]
        return [name for name, (one, other) in zip(FIELDS[1:], parts) if one != other]

    def _diagnose(self, row: Row, found: str, after: Row) -> tuple[int, str, bool]:
        """Name what was done to a row; its number, its hash, and whether `previous` is genuine."""
        def fits(at: int, cell: Any) -> bool:
            return bool(hash_of([*row[:at], cell, *row[at + 1 : HASH]], row[HASH]) == row[HASH])
        place, cells = row[0], self._cells(row)
        sure = [one[0] for one in self.anchors.get(place, ())] + [after and after[PREVIOUS]]
        if found in sure:
            self.fault("changed", place, "hash")
            return place, found, True
        if row[CELLS] != sums(row) and fits(CELLS, sums(row)):
            cells = ["cells"]
        elif not cells and self.link is not None and fits(PREVIOUS, self.link):
            cells = ["previous"]
        near = sorted(range(place - 2000, place + 2000), key=lambda n: abs(n - place - self.shift))
        for true in [] if cells else near[: max(0, self.tries)]:
            self.tries -= 1
            if fits(0, true):
                return true, row[HASH], True
        for name in cells or ["mac" if row[HASH] in sure else "hash/mac"]:
            self.fault("changed", place, name)
        return place, row[HASH], False

def plain_sm3(content: bytes) -> bytes:
    def turn(word: int, by: int) -> int:
        return (word << by % 32 | word >> 32 - by % 32) & 0xFFFFFFFF
    start = "7380166f4914b2b9172442d7da8a0600a96f30bc163138aae38dee4db0fb0e4e"
    state = struct.unpack(">8I", bytes.fromhex(start))
    content += b"\x80" + bytes((55 - len(content)) % 64) + (len(content) * 8).to_bytes(8, "big")
    for at in range(0, len(content), 64):
        w = list(struct.unpack(">16I", content[at : at + 64]))
        for i in range(16, 68):
            x = w[i - 16] ^ w[i - 9] ^ turn(w[i - 3], 15)
            w.append(x ^ turn(x, 15) ^ turn(x, 23) ^ turn(w[i - 13], 7) ^ w[i - 6])
        s = state
        for i in range(64):
            a, b, c, d, e, f, g, h = s
            p, q = (a ^ b ^ c, e ^ f ^ g) if i < 16 else (a & b | a & c | b & c, e & f | ~e & g)
            k = 0x79CC4519 if i < 16 else 0x7A879D8A
            one = turn(turn(k, i) + turn(a, 12) + e & 0xFFFFFFFF, 7)
            p = p + d + (one ^ turn(a, 12)) + (w[i] ^ w[i + 4]) & 0xFFFFFFFF
            q = q + h + one + w[i] & 0xFFFFFFFF
            s = p, a, turn(b, 9), c, q ^ turn(q, 9) ^ turn(q, 17), e, turn(f, 19), g
        state = tuple(x ^ y for x, y in zip(state, s))
    return struct.pack(">8I", *state)

def records(path: str, name: str) -> Iterator[Any]:  # of a JSONL file, or of `name` in a package
    if path:
        with zipfile.ZipFile(path).open(name) if path[-4:] == ".zip" else open(path, "rb") as file:
            yield from map(json.loads, file)

def main(rows: str, seals: str = "", head: str = "", start: str = "") -> int:
    seals, head = (rows, rows) if rows.endswith(".zip") else (seals, head)
    count, told = 0, next(records(head, "head.json"), dict[str, Any]())
    check = Checker(([one[name] for name in SEAL] for one in records(seals, "seals.jsonl")),
                    told if "hash" in told else None, int(start or told.get("start", 1)))
    for count, one in enumerate(records(rows, "rows.jsonl"), 1):
        row = [one[name] for name in FIELDS]
        check.single(row, one["proof"], one["seal"]) if "selection" in told else check.feed(row)
    for one in check.faults if "selection" in told else check.end():
        where = "–".join(map(str, sorted({one["first"], one["last"]})))
        print("✗", where, WORDS[one["code"]].format(one["note"]))
    print(f"{count} 行 rows, {len(check.seals)} 封存 seals, {len(check.faults)} 处不符 faults")
    return 1 if check.faults else 0

if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:5]))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        print(f"读不出 cannot be read: {type(error).__name__} {error}\n{__doc__}")
        sys.exit(2)
