"""Every refusal of the API has one shape: application/problem+json (RFC 9457).

`type` leads to the paragraph of the reference page, `title` is in the language of the caller,
`where` names the fields, `trace_id` finds the line in the log.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from liandong.base.middleware import request_id

MEDIA_TYPE: Final = "application/problem+json"
PAGE: Final = "/open/api/"

PROBLEMS: Final[Mapping[str, tuple[int, Any]]] = {
    "bad-request": (400, _("请求无法理解")),
    "token-missing": (400, _("每个 POST 都要带 Idempotency-Key（8 至 64 个字母、数字、- 或 _）")),
    "bad-cursor": (400, _("翻页标记不对：请用上一次回答给的标记，条件不变")),
    "no-key": (401, _("请求没有接口密钥")),
    "bad-key": (401, _("接口密钥无效")),
    "no-scope": (403, _("接口密钥没有这项权限")),
    "not-allowed": (403, _("答责账号没有这项权限")),
    "not-found": (404, _("没有这个对象，或无权查看")),
    "bad-method": (405, _("这个地址不接受这种请求")),
    "at-work": (409, _("同一请求正在办理，请稍后再问")),
    "wrong-offset": (409, _("这一段的位置不对，请从所示位置接着传")),
    "submitted": (409, _("这批已经提交")),
    "not-submitted": (409, _("这批还没有提交")),
    "unfinished": (409, _("还有文件没有传完")),
    "already-filed": (409, _("同一文件编号已用别的内容归档")),
    "too-many-subscriptions": (409, _("订阅已达上限")),
    "already-rotated": (409, _("密钥已换过，代号不同")),
    "too-large": (413, _("内容太大")),
    "bad-media-type": (415, _("内容的类型不对")),
    "invalid": (422, _("字段不合要求")),
    "token-reused": (422, _("这个 Idempotency-Key 已用于另一请求")),
    "bad-name": (422, _("文件名不合要求")),
    "unknown-fonds": (422, _("没有这个全宗，或不属于本单位")),
    "not-as-declared": (422, _("收到的内容与申报的不一致")),
    "no-files": (422, _("没有收到文件")),
    "classified": (422, _("带有国家秘密标志，本系统不收")),
    "bad-endpoint": (422, _("不能向这个地址发送通知")),
    "too-many": (429, _("请求太频繁")),
    "fault": (500, _("系统出错，请凭编号联系管理员")),
    "search-away": (503, _("检索暂时不可用，请过几分钟再试")),
    "sealed": (503, _("原件已加密，密钥不可用，请联系管理员")),
    "no-space": (507, _("服务器存储空间不足，请稍后再试")),
}


class Problem(Exception):
    """A refusal by its code in PROBLEMS, with what the caller can act on."""

    def __init__(
        self,
        code: str,
        detail: Any = "",
        *,
        where: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        **more: str | int,
    ) -> None:
        super().__init__(code)
        self.code, self.detail, self.where = code, detail, where
        self.headers, self.more = dict(headers or {}), more

    @property
    def status(self) -> int:
        """The status of HTTP."""
        return PROBLEMS[self.code][0]


def answer_problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The answer to a refused request, in the language that is active."""
    status, title = PROBLEMS[problem.code]
    body: dict[str, Any] = {
        "type": f"{PAGE}#{problem.code}",
        "title": str(title),
        "status": status,
        "detail": str(problem.detail),
        "where": [dict(one) for one in problem.where],
        "trace_id": request_id(request),
        **problem.more,
    }
    answer = HttpResponse(
        json.dumps(body, ensure_ascii=False), status=status, content_type=MEDIA_TYPE
    )
    for name, value in problem.headers.items():
        answer.headers[name] = value
    return answer


def place(field: str, message: Any, code: str = "") -> dict[str, str]:
    """One entry of `where`."""
    known = {"field": field, "message": str(message), "code": code}
    return {name: text for name, text in known.items() if text}
