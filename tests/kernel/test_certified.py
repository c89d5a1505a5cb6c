"""The seal of a certified copy: whoever changes a byte is found out, by us and by the script."""

import base64
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import gmssl_pyx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.kernel.certified import NotCertified, read_seal, seal, stamped_bytes
from liandong.kernel.digests import digest_bytes
from liandong.kernel.signatures import SM2, Signature, TimeStamp, stamped

ROOT = Path(__file__).parents[2]
BODY = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\nstartxref\n9\n%%EOF\n"
FACTS: dict[str, Any] = {
    "number": "CZ-2026-0001", "code": "ABCD-EFGH-JKMN-PQRS", "archive": "示范市档案馆",
    "record": "Z109-WS·2011-Y-BGS-0001", "title": "关于防汛工作的通知", "pages": [1, 2],
    "of_pages": 9, "masked": False, "applicant": "张＊", "source": "CD-2026-0001",
    "purpose": "权益证明", "issued_at": "2026-11-25T10:00:00+08:00", "issued_by": "李",
    "module": "test", "is_certified": False, "notice": "",
}  # fmt: skip


class Signer:
    """A key of its own."""

    def __init__(self) -> None:
        self.public, self.private = gmssl_pyx.sm2_key_generate()

    def sign(self, content: bytes) -> Signature:
        value = gmssl_pyx.sm2_sign(self.private, self.public, content)
        return Signature(SM2, (b"\x04" + self.public).hex(), value.hex())

    def stamp(self, content: bytes) -> TimeStamp:
        at, digest = "2026-11-25T02:00:00Z", digest_bytes(content).sm3
        return TimeStamp(at, digest, False, self.sign(stamped(at, digest, False)))

    def seal(self, body: bytes = BODY) -> bytes:
        return seal(body, FACTS, stamp=self.stamp, sign=self.sign)[0]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    file = ROOT / "docs" / "tools" / "verify_certified_copy.py"
    spec = importlib.util.spec_from_file_location("verify_certified_copy", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture(scope="module")
def copy(signer: Signer) -> bytes:
    return signer.seal()


def test_an_unchanged_copy_says_what_was_signed(copy: bytes, script: ModuleType) -> None:
    ours, (theirs, _stamp, _key, fingerprint) = read_seal(copy), script.check(copy)
    assert ours.facts == theirs
    assert {**FACTS, **theirs} == theirs
    assert fingerprint == ours.signature.key_id


def test_the_script_is_short_and_needs_nothing_but_python() -> None:
    text = (ROOT / "docs" / "tools" / "verify_certified_copy.py").read_text("utf-8")
    assert len(text.splitlines()) <= 250
    imports = {line for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert imports == {"import base64", "import hashlib", "import json", "import re", "import sys"}


def _refused(script: ModuleType, content: bytes) -> tuple[bool, bool]:
    try:
        read_seal(content)
        ours = False
    except NotCertified:
        ours = True
    try:
        script.check(content)
        return ours, False
    except script.Refused:
        return ours, True


def test_any_byte_that_is_changed_is_found_out(copy: bytes, script: ModuleType) -> None:
    kept = []
    for at in (*range(0, len(BODY), 5), *range(len(BODY), len(copy), 31)):
        changed = copy[:at] + bytes([copy[at] ^ 1]) + copy[at + 1 :]
        if _refused(script, changed) != (True, True):
            kept.append(at)
    assert kept == []


@settings(max_examples=60)
@given(at=st.integers(0, 10_000), piece=st.binary(max_size=20), drop=st.integers(0, 30))
def test_whatever_is_cut_out_or_put_in_is_found_out(
    copy: bytes, script: ModuleType, at: int, piece: bytes, drop: int
) -> None:
    at %= len(copy)
    changed = copy[:at] + piece + copy[at + drop :]
    if changed != copy:
        assert _refused(script, changed) == (True, True)


@pytest.mark.parametrize("more", [b"\n", b"%%EOF\n", b"\n%liandong-certified-copy-1 e30=\n"])
def test_something_behind_the_end_is_found_out(
    copy: bytes, script: ModuleType, more: bytes
) -> None:
    assert _refused(script, copy + more) == (True, True)


@pytest.mark.parametrize("content", [b"", BODY, b"%PDF", b"\n%liandong-certified-copy-1 !!\n"])
def test_what_was_never_sealed_is_refused(script: ModuleType, content: bytes) -> None:
    assert _refused(script, content) == (True, True)


def test_a_copy_signed_by_another_key_has_another_fingerprint(script: ModuleType) -> None:
    mine, other = Signer(), Signer()
    first, second = mine.seal(), other.seal()
    assert script.check(first)[3] != script.check(second)[3]


def test_a_time_stamp_that_was_exchanged_is_found_out(copy: bytes, script: ModuleType) -> None:
    known = read_seal(copy)
    later = Signer().stamp(stamped_bytes(known.facts))
    swapped = seal(BODY, FACTS, stamp=lambda _c: later, sign=lambda _c: known.signature)[0]
    assert _refused(script, swapped) == (True, True)


def test_facts_that_were_changed_and_sealed_anew_do_not_pass(
    copy: bytes, script: ModuleType
) -> None:
    known = read_seal(copy)
    lied = seal(
        BODY, {**FACTS, "title": "别的文件"},
        stamp=lambda _c: known.time_stamp, sign=lambda _c: known.signature,
    )  # fmt: skip
    assert _refused(script, lied[0]) == (True, True)


def test_a_pdf_without_an_end_is_not_sealed(signer: Signer) -> None:
    with pytest.raises(ValueError, match="startxref"):
        signer.seal(b"%PDF-1.4 no end")


@pytest.mark.parametrize(
    ("arguments", "code"), [([], 2), (["nothing.pdf"], 2), (["a", "b"], 2), (["a", "-x", "b"], 2)]
)
def test_wrong_use_of_the_script_is_told(
    script: ModuleType, arguments: list[str], code: int
) -> None:
    assert script.main(arguments) == code


def test_the_script_compares_the_key(
    copy: bytes, script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "copy.pdf"
    file.write_bytes(copy)
    fingerprint = script.check(copy)[3]
    assert script.main([str(file)]) == 0
    assert script.main([str(file), "--key", fingerprint]) == 0
    assert script.main([str(file), "--key", "0" * 32]) == 1
    told = capsys.readouterr().out
    assert "关于防汛工作的通知" in told
    assert "非商用密码认证产品" in told


def test_facts_are_not_trusted_to_be_of_any_shape(script: ModuleType) -> None:

    for facts in ([], {"body": 3}, {"body": {"bytes": "x"}}, {"body": None}):
        text = json.dumps({"facts": facts, "signature": 1, "time_stamp": []})
        line = base64.b64encode(text.encode())
        content = BODY + b"\n%liandong-certified-copy-1 " + line + b"\nstartxref\n9\n%%EOF\n"
        assert _refused(script, content) == (True, True)
