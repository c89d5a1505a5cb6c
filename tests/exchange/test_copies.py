"""Certified copies: only for who may have one, masked where needed, checked by strangers."""

import subprocess
import sys
from pathlib import Path

import pikepdf
import pytest
from django.test import Client
from tests.exchange.build import DIRECTOR, HOLDER, NOW, client, gathered, people, scanned, yes

from liandong.archive.models import Record
from liandong.base.models import AuditRow
from liandong.exchange.models import CertifiedCopy, CopyBytes, UseRequest
from liandong.exchange.services import certifying, deciding
from liandong.kernel.certified import read_seal
from liandong.kernel.flows import StepRefused

pytestmark = pytest.mark.django_db
SCRIPT = Path(__file__).parents[2] / "docs" / "tools" / "verify_certified_copy.py"


@pytest.fixture(autouse=True)
def _keys(home: Path, settings) -> None:  # type: ignore[no-untyped-def]
    """Signing keys in the folder of the test."""
    people()
    for role in ("signer", "time_stamper"):
        options = {"folder": home / "keys"}
        settings.ENGINES = {
            **settings.ENGINES, role: {**settings.ENGINES[role], "options": options}
        }  # fmt: skip


def _source(record: Record, **terms) -> str:  # type: ignore[no-untyped-def]
    """The number of a granted request that allows copies."""
    uses = ("look", "copy")
    request = gathered([record], uses=uses, **terms)
    decision = yes([record], uses=uses, **terms)
    if terms.get("whole"):
        deciding.propose(request.pk, decision, by=HOLDER, now=NOW)
        return deciding.confirm(request.pk, by=DIRECTOR, now=NOW).number
    return deciding.grant(request.pk, decision, by=HOLDER, now=NOW).number


def _issued(home: Path, **facts) -> CertifiedCopy:  # type: ignore[no-untyped-def]
    record = scanned(home, 1, unit="", **facts)
    return certifying.issue(record.pk, [1], source=_source(record), by=HOLDER, now=NOW)


def test_a_copy_is_a_pdf_that_says_what_was_signed(home: Path) -> None:
    copy = _issued(home)
    content = bytes(copy.kept.content)
    facts = read_seal(content).facts
    with pikepdf.open(_file(home, content)) as pdf:
        assert len(pdf.pages) == 2
    assert facts["record"] == copy.record.code
    assert (facts["pages"], facts["masked"], facts["code"]) == ([1], False, copy.code)
    assert copy.number == "CZ-2026-0001"


def _file(home: Path, content: bytes) -> Path:
    file = home / "copy.pdf"
    file.write_bytes(content)
    return file


def _script(file: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", SCRIPT, file, *more], capture_output=True, text=True, check=False
    )


def test_a_stranger_checks_it_with_the_script_and_one_byte_is_enough(home: Path) -> None:
    content = bytes(_issued(home).kept.content)
    file = _file(home, content)
    key = read_seal(content).signature.key_id
    assert _script(file, "--key", key).returncode == 0
    file.write_bytes(content[:900] + bytes([content[900] ^ 1]) + content[901:])
    refused = _script(file)
    assert (refused.returncode, "改动" in refused.stdout) == (1, True)


def test_without_an_application_there_is_no_copy(home: Path) -> None:
    record = scanned(home, 1, unit="")
    looked_at = gathered([record])
    deciding.grant(looked_at.pk, yes([record]), by=HOLDER, now=NOW)  # look and print, no copy
    for source in ("", "LY-2026-9999", looked_at.number):
        with pytest.raises(StepRefused, match="no-source"):
            certifying.issue(record.pk, [1], source=source, by=HOLDER, now=NOW)


def test_a_withdrawn_grant_gives_no_copy(home: Path) -> None:
    record = scanned(home, 1, unit="")
    number = _source(record)
    request = UseRequest.objects.get(number=number)
    deciding.withdraw(request.pk, why="收", by=HOLDER, now=NOW)
    with pytest.raises(StepRefused, match="no-source"):
        certifying.issue(record.pk, [1], source=number, by=HOLDER, now=NOW)


def test_what_was_not_examined_is_not_copied_masked(home: Path) -> None:
    record = scanned(home, 1, unit="", personal=9)
    with pytest.raises(StepRefused, match="not-examined"):
        certifying.issue(record.pk, [1], source=_source(record), by=HOLDER, now=NOW)


def test_personal_data_is_masked_unless_the_grant_is_whole(home: Path) -> None:
    record = scanned(home, 1, unit="", personal=1)
    masked = certifying.issue(record.pk, [1], source=_source(record), by=HOLDER, now=NOW)
    whole = certifying.issue(
        record.pk, [1], source=_source(record, whole=True), by=HOLDER, now=NOW
    )  # fmt: skip
    assert (masked.masked, whole.masked) == (True, False)


@pytest.mark.parametrize("name", ["wang", "du", DIRECTOR, "nobody"])
def test_only_archivists_issue(home: Path, name: str) -> None:
    record = scanned(home, 1, unit="")
    with pytest.raises(StepRefused, match="wrong-role"):
        certifying.issue(record.pk, [1], source=_source(record), by=name, now=NOW)


def test_the_page_of_codes_tells_facts_and_no_content(home: Path) -> None:
    copy = _issued(home)
    page = Client().get(f"/verify/?code={copy.code.lower()}").content.decode()
    assert "登记在册，有效" in page
    assert copy.number in page
    assert copy.record.title not in page
    assert "核对防汛预案" not in page
    absent = Client().get("/verify/?code=AAAA-BBBB-CCCC-DDDD").content.decode()
    assert "没有这个核验码" in absent


def test_a_file_is_checked_and_a_changed_one_refused(home: Path) -> None:
    copy = _issued(home)
    content = bytes(copy.kept.content)
    with _file(home, content).open("rb") as file:
        assert "文件未被改动" in Client().post("/verify/", {"file": file}).content.decode()
    changed = _file(home, content.replace(b"obj", b"0bj", 1))
    with changed.open("rb") as file:
        assert "文件内容被改动过" in Client().post("/verify/", {"file": file}).content.decode()


def test_a_revoked_copy_says_so(home: Path) -> None:
    copy = _issued(home)
    with pytest.raises(StepRefused, match="missing-evidence"):
        certifying.revoke(copy.pk, why=" ", by=HOLDER, now=NOW)
    certifying.revoke(copy.pk, why="页码有误", by=HOLDER, now=NOW)
    page = Client().get(f"/verify/?code={copy.code}").content.decode()
    assert ("已撤销" in page, "登记在册，有效" in page) == (True, False)
    assert CopyBytes.objects.count() == 0
    with pytest.raises(StepRefused, match="wrong-state"):
        certifying.revoke(copy.pk, why="再", by=HOLDER, now=NOW)


def test_the_file_goes_and_the_register_stays(home: Path, settings) -> None:  # type: ignore[no-untyped-def]
    settings.COPY_DAYS = 0
    copy = _issued(home)
    assert certifying.drop_old_files(now=NOW) == 1
    assert certifying.collect(copy.pk, by=HOLDER, now=NOW) is None
    assert CertifiedCopy.objects.count() == 1


def test_only_the_archive_opens_the_register(home: Path) -> None:
    copy = _issued(home)
    base = f"/exchange/copies/{copy.number}/"
    for name in ("wang", "du", "sun"):
        for path in ("/exchange/copies/", base, f"{base}file.pdf"):
            assert client(name).get(path).status_code == 403
        assert client(name).post(f"{base}revoke/", {"why": "x"}).status_code == 403
    assert Client().get(base).status_code == 302
    assert client(HOLDER).get(f"{base}file.pdf").status_code == 200
    assert AuditRow.objects.filter(act="collect_copy").count() == 1
