"""The organisation tree (机构): opened, renamed, moved, closed; never removed."""

import re
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from liandong.base.approvals import ActRefused
from liandong.base.audit import record_act
from liandong.base.models import Unit, UnitKind

CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")


@transaction.atomic
def open_unit(
    code: str, name: str, *, parent: Unit | None, by: str, now: datetime,
    kind: str = UnitKind.DEPARTMENT,
) -> Unit:  # fmt: skip
    """Add a unit.  Raises ActRefused for a code that is taken or is none, and a blank name."""
    if not CODE.fullmatch(code):
        raise ActRefused(_("机构代码为 1 至 32 个字母、数字或 . - _。"))
    if parent and parent.closed_at:
        raise ActRefused(_("上级机构已撤销。"))
    try:
        with transaction.atomic():
            unit = Unit.objects.create(
                code=code, name=_named(name), parent=parent, kind=_kind(kind)
            )
    except IntegrityError:
        raise ActRefused(_("已有这个机构代码。")) from None
    _note("open_unit", unit, by=by, now=now)
    return unit


@transaction.atomic
def rename_unit(unit: Unit, name: str, *, by: str, now: datetime) -> None:
    """Give a unit another name; its code, by which records belong to it, stays."""
    before, unit.name = unit.name, _named(name)
    unit.save(update_fields=["name"])
    _note("rename_unit", unit, by=by, now=now, before=before)


@transaction.atomic
def set_unit_kind(unit: Unit, kind: str, *, by: str, now: datetime) -> None:
    """Say that a unit is a department, an enterprise or a chamber.  Raises ActRefused."""
    before, unit.kind = unit.kind, _kind(kind)
    unit.save(update_fields=["kind"])
    _note("set_unit_kind", unit, by=by, now=now, before=before)


@transaction.atomic
def move_unit(unit: Unit, parent: Unit | None, *, by: str, now: datetime) -> None:
    """Put a unit under another.  Raises ActRefused when it would be above itself."""
    above = parent
    while above is not None:
        if above.pk == unit.pk:
            raise ActRefused(_("机构不能放在自己之下。"))
        above = above.parent
    if parent and parent.closed_at:
        raise ActRefused(_("上级机构已撤销。"))
    before, unit.parent = unit.parent, parent
    unit.save(update_fields=["parent"])
    _note("move_unit", unit, by=by, now=now, before=before.code if before else "")


@transaction.atomic
def close_unit(unit: Unit, *, by: str, now: datetime) -> None:
    """Close a unit: its records stay its own, nobody joins it.  Raises ActRefused."""
    refuse_closing(unit)
    unit.closed_at = now
    unit.save(update_fields=["closed_at"])
    _note("close_unit", unit, by=by, now=now)


def refuse_closing(unit: Unit) -> None:
    """Raise ActRefused when the unit is closed, or has open accounts or units under it."""
    if unit.closed_at:
        raise ActRefused(_("该机构已撤销。"))
    if unit.accounts.filter(is_active=True).exists():
        raise ActRefused(_("该机构还有在用账号，请先调离或停用。"))
    if unit.children.filter(closed_at__isnull=True).exists():
        raise ActRefused(_("该机构还有下级机构，请先撤销或移走。"))


def _kind(kind: str) -> str:
    if kind not in UnitKind.values:
        raise ActRefused(_("没有这种性质的机构。"))
    return kind


def _named(name: str) -> str:
    if not name.strip():
        raise ActRefused(_("请填写机构名称。"))
    return name.strip()[:200]


def _note(act: str, unit: Unit, *, by: str, now: datetime, before: str = "") -> None:
    facts = {"before": before} if before else {"name": unit.name}
    record_act(act, by=by, now=now, object=f"unit:{unit.code}", facts=facts)
