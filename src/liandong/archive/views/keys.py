"""Master keys: what there is, what it is for, and asking for the acts that need two persons."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from liandong.archive.policies import ASK_KEYS, SEE_KEYS, may_ask_keys
from liandong.archive.services.key_acts import DESTROY, ROTATE
from liandong.archive.services.keyring import MasterUse, algorithm_in_use, master_keys
from liandong.archive.viewers import viewer_of
from liandong.base import approvals, signing
from liandong.base.approvals import ActRefused
from liandong.base.engines import engine
from liandong.base.gates import open_to
from liandong.base.params import words
from liandong.kernel.sealed import ALGORITHMS


@never_cache
@require_safe
@open_to(SEE_KEYS)
def show_keys(request: HttpRequest) -> HttpResponse:
    """Every master key with its use, the signing key, and what the modules are worth."""
    viewer, signer, algorithm = viewer_of(request), engine("signer"), algorithm_in_use()
    context = {
        "keys": [_row(use) for use in master_keys()],
        "algorithm": algorithm.words if algorithm else "",
        "module": engine("cipher").module,
        "is_certified": engine("cipher").is_certified,
        "signing": {"id": signer.key_id, "algorithm": signer.algorithm, "module": signer.module},
        "notice": signing.notice(),
        "may_ask": may_ask_keys(viewer),
        "rotate": ROTATE,
        "destroy": DESTROY,
        "algorithms": [(one.name, one.words) for one in ALGORITHMS.values()],
    }
    return render(request, "archive/keys.html", context)


def _row(use: MasterUse) -> dict[str, Any]:
    state = {
        "current": (_("在用"), "done"),
        "former": (_("停用"), "idle"),
        "destroyed": (_("已销毁"), "rejected"),
    }[use.key.state]
    return {
        "key": use.key,
        "words": ALGORITHMS[use.key.algorithm].words,
        "word": state[0],
        "tone": state[1],
        "objects": use.objects,
        "may_go": use.key.state == "former" and not use.objects,
    }


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ASK_KEYS)
def ask_for_key_act(request: HttpRequest) -> HttpResponse:
    """What the act would change; then the reason, and the request waits for a second person."""
    given = request.POST if request.method == "POST" else request.GET
    act = words(given.get("act"))
    if act not in {ROTATE, DESTROY}:
        return redirect("archive:keys")
    param = "algorithm" if act == ROTATE else "key"
    params = {param: words(given.get(param))}
    lines, refusal = list[str](), None
    try:
        lines = approvals.preview(act, params)
        if request.method == "POST":
            made = approvals.ask(act, params, why=words(request.POST.get("why")),
                                 by=viewer_of(request).name, now=timezone.now())  # fmt: skip
            return redirect("base:approval", made.pk)
    except ActRefused as error:
        refusal = error.words
    context = {
        "name": approvals.act_of(act).name,
        "lines": lines,
        "refusal": refusal,
        "hidden": {"act": act, **params},
        "crumbs": [(_("密钥"), reverse("archive:keys")), (str(approvals.act_of(act).name), "")],
    }
    return render(request, "people/ask.html", context)
