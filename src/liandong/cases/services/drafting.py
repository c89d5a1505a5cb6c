"""A report in steps (分步填写): a draft kept for one account, its materials, and handing it in.

The words of a draft are sealed, since contact data are among them; with the draft goes the key.
"""

import io
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from liandong.archive.services.keyring import ensure_keys, key_of, shred_key
from liandong.base.audit import record_act
from liandong.base.engines import engine
from liandong.base.models import Account
from liandong.cases.models import Case, Draft, DraftPaper, Evidence
from liandong.cases.policies import Bearer
from liandong.cases.queries.mandates import may_raise_for
from liandong.kernel.casework import kinds
from liandong.kernel.sealed import AES, Place, open_sealed, seal_bytes
from liandong.kernel.viewer import Viewer

from .mandates import PORTAL_CHANNEL
from .opening import BadReport, Report, open_case
from .papers import MOST_PAPERS, BadPaper, keep_paper
from .photos import drop_photo, evidence_urn

MOST_DRAFTS: Final = 20  # of one account
LONGEST: Final = 4000  # characters of a field
_PATH: Final = "draft.json"
_COLUMNS: Final = ("uuid", "name", "mime", "size_bytes", "sha256", "width", "height")


class BadDraft(Exception):
    """A draft that cannot be begun: `code` is kind, enterprise or too-many."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def draft_urn(draft: UUID) -> str:
    """Under which name the key of the words of a draft is kept."""
    return f"urn:liandong:case:{draft}:draft"


def begin_draft(
    kind: str, enterprise: str, *, viewer: Viewer, step: str, now: datetime
) -> Draft:  # fmt: skip
    """A draft of a kind for the enterprise of this code.  Raises BadDraft."""
    if kind not in kinds() or PORTAL_CHANNEL not in kinds()[kind].channels:
        raise BadDraft("kind")
    unit = may_raise_for(viewer, kind).filter(code=enterprise).first()
    if unit is None:
        raise BadDraft("enterprise")
    account = Account.objects.get(username=viewer.name)
    if account.drafts.count() >= MOST_DRAFTS:
        raise BadDraft("too-many")
    return Draft.objects.create(
        account=account, kind=kind, enterprise=unit, step=step, made_at=now, changed_at=now
    )


def words_of(draft: Draft) -> dict[str, str]:
    """What was written so far, by code of field.  Raises CannotOpen."""
    if draft.words is None:
        return {}
    urn = draft_urn(draft.uuid)
    stream = io.BytesIO(bytes(draft.words))
    with open_sealed(stream, key_of(urn), Place(urn, _PATH), engine("cipher").aead) as plain:
        found: dict[str, str] = json.loads(plain.read())
    return found


@transaction.atomic
def keep_words(draft_id: int, words: Mapping[str, str], *, step: str, now: datetime) -> Draft:
    """Keep what was written on one step, right or wrong; fields that are not of the kind are not
    kept.  Raises Draft.DoesNotExist."""  # fmt: skip
    draft = Draft.objects.select_for_update().get(pk=draft_id)
    known = {one.code for one in kinds()[draft.kind].fields}
    kept = {name: text[:LONGEST] for name, text in words.items() if name in known}
    urn = draft_urn(draft.uuid)
    key = ensure_keys([urn], AES, now=now)[urn]
    plain = json.dumps({**words_of(draft), **kept}, ensure_ascii=False).encode()
    draft.words = seal_bytes(plain, key, Place(urn, _PATH), engine("cipher").aead)
    draft.step, draft.changed_at = step, now
    draft.save(update_fields=["words", "step", "changed_at"])
    return draft


def attach_paper(draft: Draft, name: str, content: bytes, *, by: str, now: datetime) -> DraftPaper:
    """Keep a material with a draft; the row is its receipt.  Raises BadPaper and OSError.

    The same bytes again are the receipt that is there.
    """
    if draft.papers.count() >= MOST_PAPERS:
        raise BadPaper("too-many")
    one = keep_paper(content, case_uuid=draft.uuid, name=name, by=by, now=now)
    if known := draft.papers.filter(sha256=one.sha256).first():
        drop_photo(one)
        return known
    paper = DraftPaper.objects.create(
        draft=draft, sent_at=now, **{name: getattr(one, name) for name in _COLUMNS}
    )
    record_act(
        "attach_paper", by=by, now=now, object=f"draft:{draft.uuid}",
        facts={"sha256": one.sha256, "bytes": len(content)},
    )  # fmt: skip
    return paper


def detach_paper(draft: Draft, paper: UUID, *, by: str, now: datetime) -> None:
    """Take a material out of a draft and erase it.  Raises DraftPaper.DoesNotExist."""
    row = draft.papers.get(uuid=paper)
    record_act(
        "detach_paper", by=by, now=now, object=f"draft:{draft.uuid}", facts={"sha256": row.sha256}
    )
    row.delete()
    drop_photo(Evidence(uuid=paper))


def drop_draft(draft: Draft) -> None:
    """Throw a draft away, with its materials and keys."""
    papers = [one.uuid for one in draft.papers.all()]
    draft.delete()
    for paper in papers:
        drop_photo(Evidence(uuid=paper))
    for urn in (evidence_urn(draft.uuid), draft_urn(draft.uuid)):
        shred_key(urn)


def hand_in(draft: Draft, *, by: Bearer, now: datetime) -> Case:
    """Make a case of a draft, which ends by it; handed in twice it is one case.

    Raises BadReport: faults by field, or (enterprise, no-mandate) when it ended meanwhile.
    """
    viewer = by.viewer  # a chamber is no requester: its sight ends with its mandate
    if not may_raise_for(viewer, draft.kind).filter(pk=draft.enterprise_id).exists():
        raise BadReport([("enterprise", "no-mandate")])
    words = {name: text for name, text in words_of(draft).items() if text.strip()}
    report = Report(
        draft.kind, PORTAL_CHANNEL, words, uuid=draft.uuid, enterprise=draft.enterprise,
        requester=draft.account if viewer.unit == draft.enterprise.code else None,
    )  # fmt: skip
    papers = list(draft.papers.all())
    evidence = [
        Evidence(
            **{name: getattr(one, name) for name in _COLUMNS}, part=Evidence.Part.PAPER,
            added_at=one.sent_at, added_by=viewer.name,
        )
        for one in papers
    ]  # fmt: skip
    with transaction.atomic():
        case = open_case(report, by=by, now=now, evidence=evidence).case
        draft.delete()
    shred_key(draft_urn(report.uuid))
    return case
