"""Settings and commands as acts: what an administrator changes outside of any page leaves a row."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection

from liandong.base.audit import digest_of, record_act
from liandong.base.models import AuditRow

from .knobs import KNOBS, read_knobs

MAKE_TABLES = frozenset({"migrate", "makemigrations"})


def note_settings(*, now: datetime, environment: Mapping[str, str] = os.environ) -> AuditRow | None:
    """Record that settings are others than at the last start, by name; None when none is.

    Of each the row has a keyed digest and never the value, which may be a secret.
    """
    state = _state(environment)
    before = _last_state()
    changed = sorted(name for name in state if state[name] != before.get(name))
    if not changed:
        return None
    why = " ".join(changed) if before else ""
    facts = {"state": json.dumps(state, sort_keys=True)}
    return record_act("change_settings", by="cli", now=now, why=why, facts=facts)


def _state(environment: Mapping[str, str]) -> dict[str, str]:
    values = read_knobs(environment)
    return {knob.name: digest_of(f"{knob.name}={values[knob.name]}")[:8] for knob in KNOBS}


def _last_state() -> dict[str, str]:
    row = AuditRow.objects.filter(act="change_settings").order_by("-number").first()
    known: dict[str, str] = json.loads(json.loads(row.facts)["state"]) if row else {}
    return known


def note_command(arguments: Sequence[str], *, now: datetime) -> None:
    """Record that a command of Django is run.

    Not for those that make the tables, and not before there are any.  Values of options
    (`--name=value`) stay out: they may be secrets.
    """
    if not MAKE_TABLES.isdisjoint(arguments[:1]):
        return
    if AuditRow._meta.db_table not in connection.introspection.table_names():
        return
    told = [one.partition("=")[0] for one in arguments]
    name = told[0] if told else "help"
    facts = {"arguments": " ".join(told[1:])[:300]}
    record_act("run_command", by="cli", now=now, object=f"command:{name}", facts=facts)
