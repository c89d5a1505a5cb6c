"""Example values for `/gallery/`: every component on one page, for those who build pages."""

from typing import Any

from django import forms
from django.http import HttpRequest

WORDS = (
    ("done", "已接收"),
    ("running", "检测中"),
    ("decide", "待人工判定"),
    ("warn", "需要看"),
    ("failed", "不能接收"),
    ("rejected", "已退回"),
    ("note", "草稿"),
    ("idle", "未开始"),
)


class ExampleForm(forms.Form):
    """A form with each kind of control."""

    title = forms.CharField(label="题名", help_text="照原件正题名填写")
    year = forms.IntegerField(label="年度", min_value=1900, max_value=2100)
    period = forms.ChoiceField(
        label="保管期限", choices=[("Y", "永久"), ("D30", "30年"), ("D10", "10年")]
    )
    note = forms.CharField(label="备注", required=False, widget=forms.Textarea(attrs={"rows": 2}))
    kinds = forms.MultipleChoiceField(
        label="门类",
        choices=[("WS", "文书"), ("KJ", "科技"), ("ZY", "专业")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )


def _page_lines() -> list[dict[str, Any]]:
    texts = (
        "关于做好城市档案工作的通知",
        "各区县人民政府，各有关单位：",
        "为贯彻落实档案法，现将有关事项通知如下。",
        "一、加强组织领导，明确责任分工。",
        "二、按期完成移交，确保档案齐全完整。",
        "特此通知。",
    )
    return [
        {
            "text": text,
            "box": [100, 120 + 90 * n, 100 + 40 * len(text), 168 + 90 * n],
            "confidence": 0.98 - 0.13 * (n % 4),
        }
        for n, text in enumerate(texts)
    ]


def gallery_parts(request: HttpRequest) -> dict[str, Any]:
    """The context of `base/gallery.html`."""
    lines = _page_lines()
    svg_lines = "".join(
        f'<text x="{line["box"][0]}" y="{line["box"][3] - 10}" font-size="38">{line["text"]}</text>'
        for line in lines
    )
    picture = (
        "data:image/svg+xml;utf8,"
        "<svg xmlns='http://www.w3.org/2000/svg' width='1000' height='1414' "
        "viewBox='0 0 1000 1414'>"
        "<rect width='1000' height='1414' fill='white'/>" + svg_lines.replace('"', "'") + "</svg>"
    )
    return {
        "crumbs": [("全宗 0001 市档案馆", "#"), ("文书", "#"), ("2024 年办公室", "")],
        "words": WORDS,
        "facets": [
            {
                "name": "year",
                "label": "年度",
                "values": [
                    {
                        "value": year,
                        "label": str(year),
                        "count": 1240 - 100 * (2024 - year),
                        "selected": str(year) in request.GET.getlist("year"),
                    }
                    for year in (2024, 2023, 2022)
                ],
            },
            {
                "name": "period",
                "label": "保管期限",
                "values": [
                    {
                        "value": code,
                        "label": label,
                        "count": 82,
                        "selected": code in request.GET.getlist("period"),
                    }
                    for code, label in (("Y", "永久"), ("D30", "30年"), ("D10", "10年"))
                ],
            },
        ],
        "findings": [
            {
                "severity": "block",
                "code": "FILE-EMPTY",
                "where": "0001-WS·2024-Y-0003/001.tif",
                "message": "文件是空的（0 字节）",
                "remedy": "请重新扫描并重交此件",
            },
            {
                "severity": "warn",
                "code": "FORMAT-MISMATCH",
                "where": "附件/说明.doc",
                "row": 12,
                "column": "文件名",
                "message": "扩展名是 doc，内容是 PDF 1.7",
                "remedy": "改正扩展名",
            },
            {
                "severity": "note",
                "code": "PAGE-SKEWED",
                "where": "0005/002.jpg",
                "page": 2,
                "message": "页面倾斜 1.8°",
                "remedy": "",
            },
        ],
        "facts": [
            {"label": "档号", "value": "0001-WS·2024-D30-BGS-0012", "code": True},
            {"label": "题名", "value": "关于做好城市档案工作的通知"},
            {"label": "责任者", "value": "市人民政府办公室", "url": "#"},
            {"label": "附注", "value": ""},
        ],
        "actions": [
            {"label": "接收", "url": "#", "key": "a", "icon": "done", "primary": True},
            {"label": "退回", "url": "#", "key": "r", "icon": "rejected"},
            {"label": "打印检测报告", "url": "#", "icon": "print"},
        ],
        "chips": [
            {"label": "年度", "value": "2024", "url": "?"},
            {"label": "全宗", "value": "0001", "url": "?"},
        ],
        "form": ExampleForm({"title": "", "year": "12", "period": "Y"}),
        "viewer": {
            "pages": [
                {
                    "number": n,
                    "width": 1000,
                    "height": 1414,
                    "image": picture,
                    "thumb": picture,
                    "text": {"lines": lines},
                }
                for n in (1, 2, 3)
            ],
            "start": {"page": 1, "line": 0},
            "query": "档案",
        },
        "correct": {
            "page": {"number": 1, "width": 1000, "height": 1414, "image": picture},
            "lines": [{"id": n, "state": "ocr", **line} for n, line in enumerate(lines)],
            "saveUrl": "/gallery/",
        },
        "upload": {"uploadsUrl": "/transfers/uploads/", "batch": "", "chunk": 4 * 1024 * 1024},
        "lines": lines,
        "picture": picture,
    }
