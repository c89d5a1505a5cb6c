"""Bulk import by pages: columns named by a person, a trial, the import, and its refused rows."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from tests.cases.build import client, people

from liandong.cases.models import Case, CaseImport, ImportState
from liandong.cases.services import import_files
from liandong.cases.services.import_files import go_on, refused_path

pytestmark = pytest.mark.django_db
ROWS = (
    "编号,标题,说明,备注,开始,结束\n"
    '1,路灯不亮,"第一段\n第二段",急,2026-03-01 09:00,\n'
    "2,井盖缺失,路中间,,2026-03-01 09:00,2026-03-02 09:00\n"
    "3,,,,2026-03-01 09:00,\n"
    '4,=HYPERLINK("x"),乱,,昨天,\n'
)
SAID: dict[str, Any] = {
    "source": "oldtown", "kind": "snap_report", "zone": "Asia/Shanghai", "source_id": "编号",
    "title": "标题", "text": ["说明", "备注"], "submitted_at": "开始", "closed_at": "结束",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _people(settings: Settings) -> None:
    people()


def upload(content: bytes = ROWS.encode(), name: str = "旧系统.csv") -> tuple[Client, Any]:
    desk = client("desk")
    answer = desk.post("/cases/import/", {"file": SimpleUploadedFile(name, content)}, follow=True)
    return desk, answer


def mapped() -> tuple[Client, CaseImport]:
    desk, _answer = upload()
    one = CaseImport.objects.get()
    desk.post(f"/cases/import/{one.uuid}/", SAID)
    return desk, CaseImport.objects.get()


def test_the_columns_are_named_tried_and_imported_and_every_row_is_accounted_for() -> None:
    desk, one = mapped()
    page = desk.get(f"/cases/import/{one.uuid}/").content.decode()
    assert "前 4 行：可导入 2（其中已办结 1），已有 0，拒收 2。" in page
    assert ("必填的列为空" in page, "不是时间" in page) == (True, True)
    assert not Case.objects.exists()  # a trial writes nothing

    desk.post(f"/cases/import/{one.uuid}/", {"act": "start"})
    assert go_on(clock=timezone.now) == 1

    done = CaseImport.objects.get()
    assert (done.state, done.read, done.imported, done.refused) == ("done", 4, 2, 2)
    assert done.read == done.imported + done.known + done.refused
    assert set(Case.objects.values_list("title", flat=True)) == {"路灯不亮", "井盖缺失"}
    assert Case.objects.get(title="路灯不亮").text == "第一段 第二段；急"
    answer = desk.get(f"/cases/import/{one.uuid}/refused.csv")
    told = answer.getvalue().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(told)))
    assert [(row["line"], row["reason"]) for row in rows] == [("5", "missing"), ("6", "not-a-time")]
    assert rows[1]["标题"] == '\'=HYPERLINK("x")'  # no formula for a spreadsheet


def test_an_import_that_was_cut_off_begins_again_and_repeats_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk, one = mapped()
    desk.post(f"/cases/import/{one.uuid}/", {"act": "start"})
    real = import_files.import_rows

    def dies(*args: Any, **terms: Any) -> Any:
        real(*args, **terms)
        raise KeyboardInterrupt

    monkeypatch.setattr(import_files, "import_rows", dies)
    with pytest.raises(KeyboardInterrupt):
        go_on(clock=timezone.now)
    assert CaseImport.objects.get().state == ImportState.RUNNING
    monkeypatch.setattr(import_files, "import_rows", real)
    go_on(clock=timezone.now)
    done = CaseImport.objects.get()
    assert (done.state, done.imported, done.known, done.refused) == ("done", 0, 2, 2)
    assert Case.objects.count() == 2
    assert len(refused_path(done).read_text("utf-8-sig").splitlines()) == 3


def test_a_built_in_mapping_is_taken_over() -> None:
    desk, _answer = upload()
    one = CaseImport.objects.get()
    page = desk.post(
        f"/cases/import/{one.uuid}/", {"act": "profile", "profile": "boston"}, follow=True
    )
    assert "文件缺少对应表里的列。" in page.content.decode()
    assert CaseImport.objects.get().mapping[0]["value"] == "boston311"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": ""}, "还缺：来源系统"),
        ({"submitted_at": ""}, "还缺：提交时间"),
        ({"zone": "Mars/Phobos"}, "没有这个时区"),
        ({"kind": "conduct_report"}, "这个种类不能导入"),
    ],
)
def test_a_mapping_that_means_nothing_is_refused_in_words(
    changes: dict[str, str], words: str
) -> None:
    desk, _answer = upload()
    one = CaseImport.objects.get()
    page = desk.post(f"/cases/import/{one.uuid}/", SAID | changes, follow=True)
    assert words in page.content.decode()
    assert CaseImport.objects.get().mapping == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "文件是空的"),
        ("编号,标题\n".encode("gb18030"), "文件须为 UTF-8"),
        (b'"a\n', "不是规范的 CSV"),
        (b",".join([b"a"] * 300), "列太多"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_and_leaves_nothing(
    content: bytes, words: str, settings: Settings
) -> None:
    _desk, answer = upload(content)
    assert words in answer.content.decode()
    assert not CaseImport.objects.exists()
    assert list(Path(settings.STAGING).glob("case-imports/*")) == []


@pytest.mark.parametrize("who", ["city", "grid", "citizen", "firm", "case-archivist"])
def test_nobody_else_imports(who: str) -> None:
    _desk, one = mapped()
    for path in ("/cases/import/", f"/cases/import/{one.uuid}/"):
        assert client(who).get(path).status_code == 403
        assert client(who).post(path, {"act": "start"}).status_code == 403
    assert CaseImport.objects.get().state == ImportState.MAPPING


def test_a_quoted_field_is_not_cut_by_the_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_files, "TRIED", 1)
    desk, one = mapped()
    page = desk.get(f"/cases/import/{one.uuid}/").content.decode()
    assert "前 1 行：可导入 1" in page
