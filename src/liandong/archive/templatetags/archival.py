"""Filters of archival codes: `{% load archival %}`."""

from django import template

from liandong.archive.queries import label_of

register = template.Library()


@register.filter
def period(code: str) -> str:
    """A retention period in words: D10 → 10年; a dash where none is known."""
    return label_of("retention", code) if code else "—"
