"""Fonds (全宗): their rows, and a small object each in the store, so that a rebuild finds them."""

import json
from datetime import datetime
from typing import Any

from django.db import transaction

from liandong.archive.models import Fonds, OpeningPeriod, RetentionRule
from liandong.base.audit import record_act
from liandong.base.models import Unit
from liandong.kernel.packages.ocfl import (
    BrokenInventory,
    Content,
    files_of,
    object_path,
    prepare_root,
    publish_object,
    publish_version,
    read_inventory,
    repair,
    write_object,
    write_version,
)

from .objects import blob_store, to_json
from .packing import workspace

FONDS_FILE = "metadata/fonds.json"
FONDS_URN = "urn:liandong:fonds:"


def open_fonds(number: str, *, by: str = "system", now: datetime) -> Fonds:
    """The fonds with this number; a new one without a title of its own if there is none."""
    fonds = Fonds.objects.filter(number=number).first()
    return fonds or keep_fonds(number, title=number, by=by, now=now)


@transaction.atomic
def keep_fonds(
    number: str,
    *,
    title: str,
    by: str,
    now: datetime,
    unit: Unit | None = None,
    code_template: str = "dat22_item",
    default_level: int = 1,
) -> Fonds:
    """Write or change a fonds, in the store and as a row."""
    fonds, _ = Fonds.objects.update_or_create(
        number=number,
        defaults={
            "title": title,
            "unit": unit,
            "code_template": code_template,
            "default_level": default_level,
        },
    )
    facts = {"title": title, "level": default_level, "form": code_template}
    record_act("keep_fonds", by=by, now=now, object=f"fonds:{number}", facts=facts)
    keep_in_store(fonds, by=by, now=now)
    return fonds


def keep_in_store(fonds: Fonds, *, by: str, now: datetime) -> None:
    """Write the fonds and its retention schedule into its object; a new version when it changed.

    Call it after a change of the fonds or of its retention rules.  Raises BrokenInventory.
    """
    store, urn = blob_store(), FONDS_URN + fonds.number
    content = to_json(_facts(fonds))
    prepare_root(store)
    with workspace() as folder:
        if not is_in_store(fonds):
            write_object(
                folder / "object", urn, {FONDS_FILE: Content(content)},
                message="全宗", user=by, created=now,
            )  # fmt: skip
            publish_object(store, folder / "object", urn)
            return
        repair(store, urn)
        if read_fonds_bytes(urn) == content:
            return
        inventory = write_version(
            folder / "version", read_inventory(store, urn), {FONDS_FILE: Content(content)},
            message="全宗变更", user=by, created=now,
        )  # fmt: skip
        publish_version(store, folder / "version", inventory)


def is_in_store(fonds: Fonds) -> bool:
    """Whether the fonds has its object."""
    return blob_store().exists(f"{object_path(FONDS_URN + fonds.number)}/inventory.json")


def read_fonds_bytes(urn: str) -> bytes:
    """The head of a fonds object.  Raises FileNotFoundError, BrokenInventory and KeyError."""
    store = blob_store()
    inventory = read_inventory(store, urn)
    return store.read(f"{object_path(urn)}/{files_of(inventory)[FONDS_FILE]}")


def _facts(fonds: Fonds) -> dict[str, Any]:
    unit = fonds.unit
    return {
        "number": fonds.number,
        "title": fonds.title,
        "unit": {"code": unit.code, "name": unit.name} if unit else None,
        "code_template": fonds.code_template,
        "default_level": fonds.default_level,
        "retention_rules": [
            {
                "clause": rule.clause,
                "scope": rule.scope,
                "words": rule.words,
                "retention": rule.retention,
                "approval": rule.approval,
                "order": rule.order,
            }
            for rule in fonds.retention_rules.order_by("order", "id")
        ],
        "opening_periods": [
            {
                "category": period.category,
                "words": period.words,
                "years": period.years,
                "basis": period.basis,
                "order": period.order,
            }
            for period in fonds.opening_periods.order_by("order", "id")
        ],
    }


def restore_fonds(urn: str) -> Fonds:
    """The row of a fonds from its object; a row that is there already is left as it is.

    Raises BrokenInventory, FileNotFoundError, KeyError and ValueError when it cannot be read.
    """
    known = json.loads(read_fonds_bytes(urn))
    if FONDS_URN + known["number"] != urn:
        raise BrokenInventory(f"{urn} holds fonds {known['number']}")
    unit = None
    if known["unit"]:
        named = {"name": known["unit"]["name"]}
        unit, _ = Unit.objects.get_or_create(code=known["unit"]["code"], defaults=named)
    fonds, made = Fonds.objects.get_or_create(
        number=known["number"],
        defaults={
            "title": known["title"],
            "unit": unit,
            "code_template": known["code_template"],
            "default_level": known["default_level"],
        },
    )
    if made:
        RetentionRule.objects.bulk_create(
            [RetentionRule(fonds=fonds, **rule) for rule in known["retention_rules"]]
        )
        OpeningPeriod.objects.bulk_create(
            [OpeningPeriod(fonds=fonds, **one) for one in known.get("opening_periods", ())]
        )
    return fonds
