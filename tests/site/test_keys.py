"""The keys of an installation: copied apart, restored, rotated, and missed when they are gone."""

import re
import shutil
import stat
import tarfile
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from tests.archive.build import NOW, admit_numbers, fonds
from tests.corpus.handovers import catalogued, code, lay_out, row
from tests.intake.running import letter, liandong, lines

from liandong.archive.services import keyring
from liandong.archive.services.key_acts import destroy_approved, rotate_approved
from liandong.base import approvals
from liandong.base.approvals import ActRefused, NotWaiting
from liandong.base.engines import engine
from liandong.base.models import Account, AuditRow, Officer
from liandong.site import doctor
from liandong.site.recovery import (
    BadRecovery,
    copy_state,
    read_recovery,
    write_recovery,
)

WORDS = ("前半句口令共八字", "后半句口令共八字")


@pytest.fixture
def _sealed(home: Path, settings: object) -> None:
    settings.ENCRYPTION = "aes"  # type: ignore[attr-defined]
    fonds()
    admit_numbers(home / "staging", 1, 2)
    engine("signer").sign(b"x")


def key_files() -> dict[str, bytes]:
    return {
        path.relative_to(settings.KEYS).as_posix(): path.read_bytes()
        for path in settings.KEYS.rglob("*")
        if path.is_file() and path.name != "recovery.json"
    }


@pytest.mark.django_db
@pytest.mark.usefixtures("_sealed")
def test_a_lost_key_folder_comes_back_from_its_copy(tmp_path: Path) -> None:
    before = key_files()
    assert write_recovery(tmp_path / "copy", WORDS, now=NOW) == len(before) == 5
    shutil.rmtree(settings.KEYS)
    assert read_recovery(tmp_path / "copy", WORDS) == 5
    assert key_files() == before
    for path in settings.KEYS.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert read_recovery(tmp_path / "copy", WORDS) == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("_sealed")
def test_the_copy_tells_nothing_and_opens_with_both_words_only(tmp_path: Path) -> None:
    write_recovery(tmp_path / "copy", WORDS, now=NOW)
    content = (tmp_path / "copy").read_bytes()
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600
    for one in key_files().values():
        for secret in re.findall(rb"[0-9a-f]{32,}", one):
            assert secret not in content
    shutil.rmtree(settings.KEYS)
    for words in (WORDS[:1], WORDS[1:], WORDS[::-1], (*WORDS, "")):
        with pytest.raises(BadRecovery, match="words"):
            read_recovery(tmp_path / "copy", words)
    assert not settings.KEYS.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("_sealed")
def test_a_damaged_copy_changes_nothing(tmp_path: Path) -> None:
    write_recovery(tmp_path / "copy", WORDS, now=NOW)
    good = (tmp_path / "copy").read_bytes()
    shutil.rmtree(settings.KEYS)
    for bad in (
        b"",
        b"{}\n",
        b"x" * 100,
        good[:-1],
        good[:-1] + b"\0",
        good.replace(b"32768", b"1"),
    ):
        (tmp_path / "bad").write_bytes(bad)
        with pytest.raises(BadRecovery):
            read_recovery(tmp_path / "bad", WORDS)
    assert not settings.KEYS.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("_sealed")
def test_a_key_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    write_recovery(tmp_path / "copy", WORDS, now=NOW)
    (master,) = (settings.KEYS / "master").iterdir()
    changed = master.read_bytes() + b" "
    master.write_bytes(changed)
    with pytest.raises(BadRecovery, match="exists"):
        read_recovery(tmp_path / "copy", WORDS)
    assert master.read_bytes() == changed


@pytest.mark.django_db
def test_short_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecovery, match="words"):
        write_recovery(tmp_path / "copy", ("短", "口令"), now=NOW)
    assert not (tmp_path / "copy").exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("_sealed")
def test_keys_that_are_in_no_copy_are_told(tmp_path: Path, home: Path) -> None:
    assert copy_state().is_newer
    write_recovery(tmp_path / "copy", WORDS, now=timezone.now())
    assert not copy_state().is_newer
    admit_numbers(home / "staging", 3)
    assert copy_state().is_newer


@pytest.mark.django_db
@pytest.mark.usefixtures("_sealed")
def test_the_doctor_misses_keys_and_copies(tmp_path: Path) -> None:
    rows = {one["part"]: one for one in doctor.examine("zh")}
    assert (rows["keys"]["state"], rows["encryption"]["state"]) == ("optional", "ok")
    assert "export-recovery" in rows["keys"]["advice"]
    shutil.rmtree(settings.KEYS / "master")
    (keys,) = [one for one in doctor.examine("zh") if one["part"] == "keys"]
    assert keys["state"] == "broken"
    assert "SEAL-MASTER-LOST" in keys["found"]


@pytest.mark.django_db
@pytest.mark.usefixtures("_sealed")
def test_every_act_on_a_master_key_is_in_the_audit() -> None:
    (old,) = keyring.master_keys()
    made, _ = keyring.rotate_master("aes", by="wang", now=NOW)
    keyring.destroy_master(old.key.id, by="wang", now=NOW)
    rows = AuditRow.objects.filter(act__endswith="_key").order_by("number")
    assert list(rows.values_list("act", "object", "by")) == [
        ("create_key", f"key:{made.id}", "wang"),
        ("rotate_key", f"key:{made.id}", "wang"),
        ("destroy_key", f"key:{old.key.id}", "wang"),
    ]


def asked(act: str, **params: str) -> int:
    """The number of a request that the system officer made and the security officer approved."""
    for name, officer in (("admin", Officer.SYSTEM), ("guard", Officer.SECURITY)):
        Account.objects.get_or_create(username=name, defaults={"officer": officer})
    made = approvals.ask(act, params, why="年度轮换", by="admin", now=NOW)
    approvals.decide(made.pk, approve=True, by="guard", now=NOW)
    return made.pk


@pytest.mark.django_db
@pytest.mark.usefixtures("_sealed")
def test_a_master_key_is_rotated_and_destroyed_by_two_persons() -> None:
    (old,) = keyring.master_keys()
    with pytest.raises(ActRefused):
        asked("destroy_key", key=old.key.id)
    number = asked("rotate_key", algorithm="aes")
    _, count = rotate_approved(number, by="cli", now=NOW, progress=lambda *_: None)
    assert count == 2
    with pytest.raises(NotWaiting):  # once only
        rotate_approved(number, by="cli", now=NOW, progress=lambda *_: None)
    number = asked("destroy_key", key=old.key.id)
    with pytest.raises(NotWaiting):  # another act
        rotate_approved(number, by="cli", now=NOW, progress=lambda *_: None)
    assert destroy_approved(number, by="cli", now=NOW) == old.key.id
    assert [one.key.state for one in keyring.master_keys()] == ["destroyed", "current"]


@pytest.mark.django_db
@pytest.mark.usefixtures("_sealed")
def test_without_a_second_person_no_master_key_goes() -> None:
    Account.objects.create(username="admin", officer=Officer.SYSTEM)
    made = approvals.ask("rotate_key", {"algorithm": "aes"}, why="轮换", by="admin", now=NOW)
    with pytest.raises(approvals.NotForYou):
        approvals.decide(made.pk, approve=True, by="admin", now=NOW)
    with pytest.raises(NotWaiting):
        rotate_approved(made.pk, by="cli", now=NOW, progress=lambda *_: None)
    assert len(keyring.master_keys()) == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("_sealed")
@pytest.mark.parametrize(
    ("act", "params"),
    [
        ("rotate_key", {"algorithm": "rot13"}),
        ("rotate_key", {}),
        ("destroy_key", {"key": "0009-aes-00000000"}),
    ],
)
def test_an_impossible_act_cannot_be_asked_for(act: str, params: dict[str, str]) -> None:
    with pytest.raises(ActRefused):
        approvals.preview(act, params)


# The command line ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_installation_is_encrypted_copied_and_restored_by_commands(tmp_path: Path) -> None:
    home, sm4 = tmp_path / "home", {"LIANDONG_ENCRYPTION": "sm4"}
    source = lay_out(tmp_path / "in", catalogued([row(1)], {f"{code(1)}.txt": letter(1)}))
    liandong(home, "intake", "receive", source, "--fonds", "Z109", "--accept")
    assert liandong(home, "archive", "encrypt", "--all").returncode == 2  # no algorithm is set

    done = liandong(home, "archive", "encrypt", "--all", **sm4)
    assert (done.returncode, "已加密 1 件" in done.stdout) == (0, True), done.stderr
    (key,) = lines(liandong(home, "key", "list", "--json"))
    assert (key["algorithm"], key["state"], key["objects"]) == ("sm4", "current", 1)

    assert liandong(home, "key", "rotate", "--approval", "1").returncode == 2
    assert liandong(home, "key", "destroy", "--approval", "1").returncode == 2

    for at, words in enumerate(WORDS):
        (tmp_path / f"words{at}").write_text(words, "utf-8")
    halves = ("--words-file", tmp_path / "words0", "--words-file", tmp_path / "words1")
    assert liandong(home, "key", "export-recovery", tmp_path / "copy", *halves).returncode == 0
    assert liandong(home, "backup", tmp_path / "all.tar").returncode == 0
    with tarfile.open(tmp_path / "all.tar") as tar:
        assert not any("keys" in name.split("/") for name in tar.getnames())

    new = tmp_path / "new"
    assert liandong(new, "key", "restore-recovery", tmp_path / "copy", *halves).returncode == 0
    assert liandong(new, "restore", tmp_path / "all.tar").returncode == 0
    assert liandong(new, "archive", "verify", "--all").returncode == 0
