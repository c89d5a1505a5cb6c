"""Declared ties of officials to enterprises."""

from django.db.models import QuerySet

from liandong.cases.models import Case, Tie


def tie_to(case: Case, name: str) -> Tie | None:
    """The live tie of an account to the enterprise that a case was raised for; None without one."""
    if not name or case.enterprise_id is None:
        return None
    rows = Tie.objects.filter(account__username=name, enterprise=case.enterprise_id)
    return rows.filter(ended_at__isnull=True).select_related("enterprise").first()


def ties_of(name: str = "") -> QuerySet[Tie]:
    """Every tie, ended ones too, the newest first; of one account where it is named."""
    rows = Tie.objects.select_related("account__unit", "enterprise")
    return rows.filter(account__username=name) if name else rows
