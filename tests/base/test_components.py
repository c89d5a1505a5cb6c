"""The parts of pages, each rendered alone."""

from dataclasses import dataclass

import pytest
from django import forms
from django.template.loader import render_to_string
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from liandong.base.templatetags.liandong import (
    SURENESS,
    bytes_text,
    marked,
    percent_of,
    sureness,
    time_left,
    tone,
)
from liandong.kernel import catalog
from liandong.kernel.checks import Severity, Verdict

pytestmark = pytest.mark.urls("tests.base.room_urls")

FACET = {
    "name": "year",
    "label": "年度",
    "values": [
        {"value": "2024", "label": "2024", "count": 12, "selected": True},
        {"value": "2023", "label": "2023", "count": 3400, "selected": False},
    ],
}


def _render(name: str, path: str = "/", **context: object) -> str:
    return render_to_string(f"components/{name}.html", context, RequestFactory().get(path))


def test_a_status_is_word_shape_and_colour() -> None:
    html = _render("status", word="不能接收", tone="failed")
    assert "不能接收" in html
    assert "icons.svg#failed" in html
    assert "ld-failed" in html


@pytest.mark.parametrize("word", [*Verdict, *Severity])
def test_every_verdict_and_severity_has_a_tone_of_its_own_but_the_inapplicable(word: str) -> None:
    assert (tone(word) == "idle") is (word == Verdict.NOT_APPLICABLE)


def test_an_unknown_state_is_idle() -> None:
    assert tone("never heard of") == "idle"


def test_how_sure_a_fact_is_has_words_for_every_row_of_the_catalogue() -> None:
    used = {row["confidence"] for name in catalog.names() for row in catalog.rows(name)
            if "confidence" in row}  # fmt: skip
    assert used == SURENESS.keys()
    assert sureness("design") == "本产品自定"
    assert sureness("new") == "new"


def test_a_selected_facet_value_links_to_the_address_without_it() -> None:
    html = _render("facets", "/s/?q=a&year=2024&after=zz", facets=[FACET])
    assert '<a href="?q=a" rel="nofollow" aria-current="true">' in html


def test_another_facet_value_is_added_and_the_place_in_the_list_dropped() -> None:
    html = _render("facets", "/s/?q=a&year=2024&after=zz", facets=[FACET])
    assert 'href="?q=a&amp;year=2024&amp;year=2023"' in html
    assert "3,400" in html


def test_the_pager_keeps_the_filters_and_changes_the_place() -> None:
    html = _render(
        "pager", "/s/?year=2024&after=old", before="b1", after="a1", shown=50, total=1234
    )
    assert 'href="?year=2024&amp;before=b1"' in html
    assert 'href="?year=2024&amp;after=a1"' in html
    assert "共 1,234 条" in html


def test_the_pager_at_both_ends_has_no_links() -> None:
    assert "<a " not in _render("pager", before="", after="", shown=3, total=None)


def test_progress_asks_again_and_has_a_link_for_browsers_without_script() -> None:
    html = _render("progress", label="检测", done=1280, total=4000, seconds_left=95, url="/p/")
    assert 'hx-get="/p/" hx-trigger="every 2s"' in html
    assert "1,280 / 4,000" in html
    assert "<noscript>" in html
    assert "约剩 2 分钟" in html


def test_progress_that_is_finished_asks_no_more() -> None:
    html = _render("progress", label="检测", done=4, total=4, url="/p/", finished=True)
    assert "hx-get" not in html


def test_progress_without_a_total_is_indeterminate() -> None:
    assert "value=" not in _render("progress", label="x", done=4, total=None, seconds_left=None)


@dataclass
class _Row:
    severity: str = "block"
    code: str = "FILE-EMPTY"
    message: str = "文件是空的"
    remedy: str = ""
    where: str = "<b>.tif"
    row: int | None = 12
    column: str = "文件名"
    page: int | None = None


def test_a_finding_says_where_what_and_its_code() -> None:
    html = _render("findings", findings=[_Row()])
    for words in ("不能接收", "第 12 行", "“文件名”列", "FILE-EMPTY", "&lt;b&gt;.tif"):
        assert words in html
    assert "页</span>" not in html


def test_no_findings_is_said() -> None:
    assert "没有发现问题" in _render("findings", findings=[])


class _Form(forms.Form):
    title = forms.CharField(label="题名", help_text="照原件")
    note = forms.CharField(label="备注", required=False)


def test_a_form_has_its_summary_first_and_the_message_at_the_field() -> None:
    html = _render("form", form=_Form({"note": "x"}))
    assert html.index('href="#id_title"') < html.index('for="id_title"')
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_title_helptext id_title_error"' in html.replace("&quot;", '"') or (
        'aria-describedby="id_title_helptext' in html
    )


def test_a_form_without_errors_has_no_summary() -> None:
    assert "ld-errors" not in _render("form", form=_Form({"title": "x"}))


def test_a_toolbar_posts_what_changes_and_links_what_does_not() -> None:
    html = _render("toolbar", actions=[
        {"label": "看", "url": "/a/"},
        {"label": "退回", "post": "/b/", "name": "act", "value": "r", "key": "r",
         "confirm": "退回？"},
    ])  # fmt: skip
    assert '<a class="btn" href="/a/"' in html
    assert '<form method="post" action="/b/" data-confirm="退回？">' in html
    assert 'name="act" value="r" data-key="r"' in html


def test_a_thumbnail_without_image_is_a_blank_sheet_with_a_name() -> None:
    assert 'role="img" aria-label="第 3 页"' in _render("thumbnail", image="", href="/x/", number=3)


def test_crumbs_end_with_this_page() -> None:
    html = _render("crumbs", crumbs=[("全宗", "/f/"), ("件", "")])
    assert '<a href="/f/">全宗</a>' in html
    assert '<span aria-current="page">件</span>' in html


@given(st.text(alphabet="<>/b&ab\"'档 "))
def test_marks_of_hits_let_no_other_html_through(snippet: str) -> None:
    html = str(marked(snippet)).replace("<mark>", "").replace("</mark>", "")
    assert "<" not in html
    assert ">" not in html


def test_a_marked_hit_is_a_mark() -> None:
    assert marked("城市<b>档案</b>工作 <i>") == "城市<mark>档案</mark>工作 &lt;i&gt;"


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, ""), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"),
     (640_000_000, "640 MB"), (5_000_000_000_000_000, "5,000 TB")],
)  # fmt: skip
def test_bytes_are_said_in_powers_of_a_thousand(count: int | None, text: str) -> None:
    assert bytes_text(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0, "1 秒"), (89, "89 秒"), (90, "2 分钟"), (3600, "60 分钟"), (7200, "2 小时")],
)
def test_time_left_is_rounded_for_people(seconds: float | None, text: str) -> None:
    assert time_left(seconds) == text


@given(st.integers(-5, 10**9), st.integers(0, 10**9))
def test_a_percentage_stays_between_none_and_all(done: int, total: int) -> None:
    assert 0 <= percent_of(done, total) <= 100
