"""Tags and filters of every page: `{% load liandong %}`."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from django import template
from django.http import HttpRequest, QueryDict
from django.templatetags.static import static
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join, json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from liandong.base.audit.queries import names_of
from liandong.base.front_end import built_files, island_words
from liandong.base.models import Unit

register = template.Library()

PLACES: Final = ("after", "before", "page")
"""Parameters that say where in a list one is; a changed filter starts the list anew."""

TONES: Final = {
    "done": "pass passed ok accepted admitted corrected finished open valid verified",
    "running": "running receiving checking reading packing in_progress queued",
    "decide": "manual_review waiting proposed needs_decision pending ready",
    "warn": "warn warning partial",
    "failed": "fail failed block blocked error invalid overdue quarantined",
    "rejected": "rejected refused withdrawn cancelled",
    "note": "note info ocr draft",
}
SURENESS: Final = {
    "text": _lazy("读过条文"),
    "secondary": _lazy("来自他人的引文"),
    "memory-high": _lazy("一般知识，较有把握"),
    "memory-medium": _lazy("一般知识，未对照条文"),
    "memory-low": _lazy("一般知识，待核实"),
    "design": _lazy("本产品自定"),
}
"""How sure a row of the catalogue is, in words (docs/catalogue.md)."""
_TONE_OF: Final = {word: tone for tone, words in TONES.items() for word in words.split()}


@register.simple_tag
def front_end() -> SafeString:
    """The links to the built style sheet and script; empty where nothing was built."""
    styles, modules = built_files()
    sheets = format_html_join(
        "\n", '<link rel="stylesheet" href="{}">', ((static(name),) for name in styles)
    )
    ahead = format_html_join(
        "\n", '<link rel="modulepreload" href="{}">', ((static(name),) for name in modules[1:])
    )
    script = format_html_join(
        "\n", '<script type="module" src="{}"></script>', ((static(n),) for n in modules[:1])
    )
    return format_html("{}{}{}", sheets, ahead, script)


@register.simple_tag
def island_labels(name: str) -> SafeString:
    """The words of an island as JSON in the page: `upload`, `viewer`, `correct`, `review`."""
    return json_script(island_words(name), f"labels-{name}")


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str) -> SafeString:
    """A drawing of `static/base/icons.svg`, for the eye only: a word always stands beside it."""
    return format_html(
        '<svg class="ld-icon" width="16" height="16" aria-hidden="true" focusable="false">'
        '<use href="{}#{}"></use></svg>',
        static("base/icons.svg"),
        name,
    )


@register.simple_tag
def status(word: object, tone: str = "idle", hint: object = "") -> SafeString:
    """What `components/status.html` shows, for tables of many rows: an include takes its time."""
    shown = format_html(' title="{}"', hint) if hint else ""
    return format_html(
        '<span class="ld-status ld-{}"{}>{}{}</span>', tone or "idle", shown, icon(tone), word
    )


@register.simple_tag(takes_context=True)
def person(context: template.Context, username: str | None) -> str:
    """The name of who did something; machines in words, a dash for nobody yet.

    Each person is looked up once per page.
    """
    machines = {"system": _("系统作业"), "cli": _("命令行")}
    if not username or username in machines:
        return machines.get(username or "", "—")
    kept: Any = context.render_context
    known: dict[str, str] = kept.setdefault("people", {})
    if username not in known:
        known[username] = names_of([username]).get(username, username)
    return known[username]


@register.simple_tag(takes_context=True)
def unit(context: template.Context, code: str) -> str:
    """The name of a department by its code, looked up once per page; the code where none has it."""
    kept: Any = context.render_context
    known: dict[str, str] = kept.setdefault("units", {})
    if code not in known:
        known[code] = Unit.objects.filter(code=code).values_list("name", flat=True).first() or code
    return known[code]


@register.filter
def sureness(confidence: str) -> str:
    """The column `confidence` of a row of the catalogue, in words."""
    return str(SURENESS.get(confidence, confidence))


@register.filter
def tone(word: object) -> str:
    """The tone of a state, verdict or severity for `components/status.html`; "idle" if unknown."""
    return _TONE_OF.get(str(getattr(word, "value", word)), "idle")


def _address(query: QueryDict) -> str:
    return f"?{query.urlencode()}" if query else "?"


def _without_place(request: HttpRequest) -> QueryDict:
    query = request.GET.copy()
    for name in PLACES:
        query.pop(name, None)
    return query


@register.simple_tag(takes_context=True)
def with_value(context: template.Context, name: str, value: object) -> str:
    """This address with `name` set to `value` alone, from the start of the list."""
    query = _without_place(context["request"])
    query[name] = str(value)
    return _address(query)


@register.simple_tag(takes_context=True)
def toggled(context: template.Context, name: str, value: object) -> str:
    """This address with `value` put into `name`, or taken out if it is there already."""
    query = _without_place(context["request"])
    values = query.getlist(name)
    text = str(value)
    query.setlist(name, [v for v in values if v != text] if text in values else [*values, text])
    return _address(query)


@register.simple_tag(takes_context=True)
def without(context: template.Context, *names: str) -> str:
    """This address without these parameters, from the start of the list."""
    query = _without_place(context["request"])
    for name in names:
        query.pop(name, None)
    return _address(query)


@register.simple_tag(takes_context=True)
def at_place(context: template.Context, name: str, cursor: str) -> str:
    """This address at another place of the list: `name` is "after" or "before"."""
    query = _without_place(context["request"])
    query[name] = cursor
    return _address(query)


@register.simple_tag(takes_context=True)
def kept_fields(context: template.Context, *dropped: str) -> SafeString:
    """Hidden inputs that carry the filters of this address through a GET form."""
    query = _without_place(context["request"])
    pairs = ((k, v) for k, values in query.lists() if k not in dropped for v in values)
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', pairs)


@register.filter
def bytes_text(count: int | None) -> str:
    """A count of bytes for people, in powers of 1000: "1.2 MB"; "" for None."""
    if count is None:
        return ""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    digits = 0 if size >= 100 or unit == "B" else 1
    return f"{number_format(size, digits, force_grouping=True)} {unit}"


@register.filter
def time_left(seconds: float | None) -> str:
    """A duration in seconds, rounded for people; "" for None."""
    if seconds is None:
        return ""
    whole = max(1, round(seconds))
    if whole < 90:
        return ngettext("%(n)d 秒", "%(n)d 秒", whole) % {"n": whole}
    minutes = round(whole / 60)
    if minutes < 90:
        return ngettext("%(n)d 分钟", "%(n)d 分钟", minutes) % {"n": minutes}
    hours = round(minutes / 60)
    return ngettext("%(n)d 小时", "%(n)d 小时", hours) % {"n": hours}


@register.filter
def percent_of(done: float | None, total: float | None) -> int:
    """`done` of `total` in whole percent, 0 to 100; 0 where the total is unknown."""
    if not total:
        return 0
    return max(0, min(100, int(100 * (done or 0) / total)))


@register.filter
def any_selected(values: Iterable[dict[str, Any]]) -> bool:
    """Tell whether a value of a facet is selected."""
    return any(value.get("selected") for value in values)


@register.filter
def marked(snippet: str) -> SafeString:
    """Text in which the search engine marked its hits with <b>: everything else is escaped."""
    parts = snippet.split("<b>")
    pieces = [format_html("{}", parts[0])]
    for part in parts[1:]:
        hit, _end, rest = part.partition("</b>")
        pieces.append(format_html("<mark>{}</mark>{}", hit, rest))
    return SafeString("".join(pieces))  # every piece was escaped above


@register.simple_tag
def yes_no(value: bool) -> str:
    """是 or 否."""
    return _("是") if value else _("否")
