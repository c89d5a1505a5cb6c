"""The review of accounts: who holds what, who signed in when; on paper, as xlsx and as csv."""

import csv
from io import BytesIO, StringIO
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from liandong.base.audit import record_act
from liandong.base.gates import open_to
from liandong.base.people.acts import LEVELS
from liandong.base.people.policies import SEE_ACCOUNTS
from liandong.base.people.queries import Standing, account_review
from liandong.base.viewers import viewer_of

from .accounts import state_words

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@never_cache
@require_safe
@open_to(SEE_ACCOUNTS)
def show_review(request: HttpRequest) -> HttpResponse:
    """The page, or with `?as=xlsx|csv` the file."""
    now, viewer = timezone.now(), viewer_of(request)
    rows = account_review(now=now)
    kind = request.GET.get("as", "")
    if kind not in {"xlsx", "csv"}:
        context = {
            "rows": rows,
            "now": now,
            "levels": LEVELS,
            "state_words": state_words(),
            "unused": sum(row.unused for row in rows),
        }
        return render(request, "people/review.html", context)
    record_act(
        "export_accounts", by=viewer.name, now=now, object="accounts",
        facts={"as": kind, "rows": len(rows)},
    )  # fmt: skip
    table = [_head(), *(_cells(row) for row in rows)]
    answer = _xlsx(table) if kind == "xlsx" else _csv(table)
    day = timezone.localtime(now).strftime("%Y%m%d")
    answer["Content-Disposition"] = f'attachment; filename="accounts-{day}.{kind}"'
    return answer


def _head() -> list[str]:
    return [
        _("用户名"), _("姓名"), _("机构"), _("角色"), _("可阅密级"), _("第二因素"), _("状态"),
        _("开立时间"), _("最近登录"), _("90 天未登录"),
    ]  # fmt: skip


def _cells(row: Standing) -> list[str]:
    account = row.account
    seen = timezone.localtime(account.last_login).isoformat()[:16] if account.last_login else ""
    return [
        account.username,
        account.full_name,
        account.unit.name if account.unit else "",
        "、".join(row.roles),
        str(LEVELS[min(account.clearance, len(LEVELS) - 1)]),
        "、".join(row.factors),
        state_words()[row.state],
        timezone.localtime(account.date_joined).isoformat()[:16],
        seen,
        _("是") if row.unused else "",
    ]


def plain_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    clean = ILLEGAL_CHARACTERS_RE.sub("", text)
    return f"'{clean}" if clean.startswith(_FORMULA_STARTS) else clean


def _csv(table: list[list[str]]) -> HttpResponse:
    text = StringIO()
    csv.writer(text).writerows([plain_cell(cell) for cell in row] for row in table)
    marked = "\ufeff" + text.getvalue()  # or office programs take it for another encoding
    return HttpResponse(marked, content_type="text/csv; charset=utf-8")


def _xlsx(table: list[list[str]]) -> HttpResponse:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_("账号核查"))
    for row in table:
        sheet.append([plain_cell(cell) for cell in row])
    file = BytesIO()
    book.save(file)
    return HttpResponse(file.getvalue(), content_type=XLSX)
