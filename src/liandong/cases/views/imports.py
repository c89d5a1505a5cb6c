"""Bulk import by pages: the file, what its columns are, a trial of its first rows, the import."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from liandong.base.gates import open_to
from liandong.base.params import words
from liandong.base.viewers import viewer_of
from liandong.cases import wording
from liandong.cases.models import CaseImport, ImportState
from liandong.cases.policies import IMPORT
from liandong.cases.services import import_files as files
from liandong.cases.services.importing import BadFile
from liandong.kernel.case_imports import BadMapping, profiles
from liandong.kernel.casework import kinds

SHOWN: Final = 50  # files of the list
FIELDS: Final = {  # in the order of the form
    "source_id": gettext_lazy("原编号"), "title": gettext_lazy("标题"),
    "text": gettext_lazy("内容"), "category": gettext_lazy("类别代码"),
    "address": gettext_lazy("地点"), "lat": gettext_lazy("纬度（WGS 84）"),
    "lon": gettext_lazy("经度（WGS 84）"), "submitted_at": gettext_lazy("提交时间"),
    "closed_at": gettext_lazy("办结时间"),
}  # fmt: skip
CONSTANTS: Final = {
    "source": gettext_lazy("来源系统"), "kind": gettext_lazy("种类"),
    "zone": gettext_lazy("时区"), "time": gettext_lazy("时间格式"),
}  # fmt: skip
NEEDED: Final = frozenset({"source", "kind", "submitted_at"})
FAULTS: Final = {
    "empty": gettext_lazy("文件是空的。"),
    "not-csv": gettext_lazy("不是规范的 CSV。"),
    "not-utf-8": gettext_lazy("文件须为 UTF-8。"),
    "too-large": gettext_lazy("文件超过 2 GB，请分开导入。"),
    "too-many-columns": gettext_lazy("列太多。"),
    "columns": gettext_lazy("文件缺少对应表里的列。"),
}  # fmt: skip
REASONS: Final = {
    "missing": gettext_lazy("必填的列为空"), "not-a-time": gettext_lazy("不是时间"),
    "not-a-place": gettext_lazy("不是坐标"), "off-the-earth": gettext_lazy("坐标越界"),
    "too-long": gettext_lazy("太长"), "unknown-category": gettext_lazy("没有这个类别"),
    "unprintable": gettext_lazy("有不能显示的字符"),
    "closed-before-it-began": gettext_lazy("办结早于提交"),
    "in-the-future": gettext_lazy("时间在将来"), "twice": gettext_lazy("编号重复"),
    "columns": gettext_lazy("列数不对"),
}  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(IMPORT)
def show_imports(request: HttpRequest) -> HttpResponse:
    """The files so far, and the form for another; a POST keeps it and goes to its columns."""
    if request.method == "POST":
        file = request.FILES.get("file")
        if not isinstance(file, UploadedFile):
            messages.error(request, _("请选一个 CSV 文件。"))
            return redirect("cases:imports")
        try:
            kept = files.keep_file(
                file.chunks(), name=file.name or "", by=viewer_of(request).name,
                now=timezone.now(),
            )  # fmt: skip
        except BadFile as bad:
            messages.error(request, f"{file.name}：{fault_words(bad.code, bad.text)}")
            return redirect("cases:imports")
        return redirect("cases:import", kept.uuid)
    context = {
        "crumbs": [(_("事项"), "/cases/"), (_("批量导入"), "")],
        "rows": CaseImport.objects.all()[:SHOWN],
    }
    return render(request, "cases/imports.html", context)


def fault_words(code: str, text: str = "") -> str:
    """Why a file cannot be read, in words."""
    return f"{FAULTS.get(code, code)}{text}"


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(IMPORT)
def show_import(request: HttpRequest, file: UUID) -> HttpResponse:
    """One file: its columns and a trial before, how far it is after; a POST names or starts."""
    one = _import_or_404(file)
    if request.method == "POST":
        _act(request, one)
        return redirect("cases:import", file)
    context: dict[str, Any] = {
        "one": one,
        "crumbs": [(_("事项"), "/cases/"), (_("批量导入"), "/cases/import/"), (one.name, "")],
        "tone": {"mapping": "decide", "running": "work", "done": "done"}.get(one.state, "bad"),
        "reasons": [(REASONS.get(code, code), count) for code, count in one.reasons.items()],
        "fault": fault_words(*one.fault.partition(" ")[::2]) if one.fault else "",
    }
    if one.state == ImportState.MAPPING:
        context |= _form(one) | _trial(one)
    return render(request, "cases/import.html", context)


def _import_or_404(file: UUID) -> CaseImport:
    one = CaseImport.objects.filter(uuid=file).first()
    if one is None:
        raise Http404
    return one


def _act(request: HttpRequest, one: CaseImport) -> None:
    act = request.POST.get("act", "")
    try:
        if act == "start":
            files.start(one.pk, by=viewer_of(request).name, now=timezone.now())
            messages.success(request, _("已开始导入，可以离开本页。"))
        elif act == "profile":
            files.set_mapping(one.pk, files.rows_of_profile(request.POST.get("profile", "")))
        else:
            files.set_mapping(one.pk, list(_said(request)))
            messages.success(request, _("对应关系已保存，下面是试读的结果。"))
    except BadMapping as bad:
        name = str(FIELDS.get(bad.name) or CONSTANTS.get(bad.name) or bad.name)
        text = {"missing": _("还缺：{name}"), "unknown-zone": _("没有这个时区：{name}"),
                "unknown-kind": _("这个种类不能导入：{name}")}  # fmt: skip
        messages.error(request, text.get(bad.code, _("对应关系有误：{name}")).format(name=name))


def _said(request: HttpRequest) -> Iterator[dict[str, str]]:
    for name in CONSTANTS:
        if value := words(request.POST.get(name)).strip()[:100]:
            yield {"field": name, "column": "", "value": value}
    for name in FIELDS:
        for column in request.POST.getlist(name)[:9]:
            if column:
                yield {"field": name, "column": column, "value": ""}


def _form(one: CaseImport) -> dict[str, Any]:
    chosen: dict[str, list[str]] = {}
    for row in one.mapping:
        chosen.setdefault(row["field"], []).append(row["column"] or row["value"])
    return {
        "profiles": profiles(),
        "kinds": [
            (code, wording.kind_word(code), [code] == chosen.get("kind"))
            for code, kind in kinds().items() if "import" in kind.channels
        ],
        "constants": {
            name: " ".join(chosen.get(name, ["Asia/Shanghai"] if name == "zone" else []))
            for name in CONSTANTS
        },
        "fields": [
            {"name": name, "label": label, "needed": name in NEEDED, "many": name == "text",
             "columns": [(column, column in chosen.get(name, ())) for column in one.header]}
            for name, label in FIELDS.items()
        ],
    }  # fmt: skip


def _trial(one: CaseImport) -> dict[str, Any]:
    """What the first rows would become; nothing before the columns are named."""
    if not one.mapping:
        return {}
    try:
        counts, refused = files.try_out(one, now=timezone.now())
    except (BadFile, BadMapping, UnicodeDecodeError) as error:
        code = getattr(error, "code", "not-utf-8")
        return {"trial_fault": fault_words(code, getattr(error, "text", ""))}
    rows = [
        {"line": bad.line, "why": REASONS.get(bad.code, bad.code),
         "name": FIELDS.get(bad.name, bad.name), "text": bad.text}
        for bad in refused
    ]  # fmt: skip
    return {"counts": counts, "refused": rows}


@require_safe
@open_to(IMPORT)
def send_refused(_request: HttpRequest, file: UUID) -> HttpResponseBase:
    """The refused rows as they were, each with its line and reason."""
    one = _import_or_404(file)
    path = files.refused_path(one)
    if not one.refused or not path.is_file():
        raise Http404
    name = f"{one.name.removesuffix('.csv')}-refused.csv"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name)
