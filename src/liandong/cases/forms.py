"""The form of a kind as steps, made from the fields of the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from liandong.kernel.casework import Field, Kind

from . import wording

MATTER, FINANCE, CONTACT, PAPERS, CHECK = "matter", "finance", "contact", "papers", "check"
STEP_WORDS: Final[Mapping[str, Any]] = {
    MATTER: _("写明事项"), FINANCE: _("融资"), CONTACT: _("联系方式"), PAPERS: _("上传材料"),
    CHECK: _("核对并提交"),
}  # fmt: skip
_BANK, _ASKED = "bank", "asked_amount"
_FINANCE: Final = (_BANK, _ASKED, "granted_amount")
_LONGEST, _LONGEST_TEXT, _LONGEST_TITLE = 1000, 4000, 120  # characters, as services.opening


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a form: its code, and the fields that it asks for."""

    code: str
    fields: tuple[Field, ...] = ()

    @property
    def word(self) -> str:
        """Its name."""
        return str(STEP_WORDS[self.code])


def steps_of(kind: Kind) -> list[Step]:
    """The steps of a kind: the matter, financing where a bank is asked, contact, materials, check.

    Contact data are asked apart, since they are kept apart.
    """
    codes = {one.code for one in kind.fields}
    financed = set(_FINANCE) if _BANK in codes else set()
    parts = [
        Step(MATTER, tuple(f for f in kind.fields if not f.private and f.code not in financed)),
        Step(FINANCE, tuple(f for f in kind.fields if f.code in financed)),
        Step(CONTACT, tuple(f for f in kind.fields if f.private)),
    ]
    return [*(one for one in parts if one.fields), Step(PAPERS), Step(CHECK)]


class StepForm(forms.Form):
    """The fields of one step."""

    def __init__(
        self, kind: str, fields: Sequence[Field], data: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(data, **more)
        for one in fields:
            self.fields[one.code] = _field(kind, one)

    def clean(self) -> dict[str, Any]:
        """A bank without an amount asks for nothing, an amount without a bank nobody."""
        found: dict[str, Any] = super().clean() or {}
        if _BANK in self.fields:
            bank, asked = found.get(_BANK), found.get(_ASKED)
            if asked and not bank:
                self.add_error(_BANK, _("写了金额，也请写银行。"))
            if bank and not asked and _ASKED not in self.errors:
                self.add_error(_ASKED, _("写了银行，也请写申请金额。"))
        return found


def _field(kind: str, one: Field) -> forms.Field:
    given: dict[str, Any] = {
        "label": wording.field_word(kind, one.code),
        "required": one.required,
        "error_messages": {"required": _("请填写。")},
    }
    match one.widget:
        case "longtext":
            longest = _LONGEST_TEXT if one.code == "text" else _LONGEST
            area = forms.Textarea(attrs={"rows": 6 if one.code == "text" else 3})
            return forms.CharField(max_length=longest, widget=area, **given)
        case "number":
            return forms.DecimalField(min_value=0, max_digits=14, decimal_places=2, **given)
        case "date":
            day = forms.DateInput({"type": "date"}, format="%Y-%m-%d")
            return forms.DateField(widget=day, **given)
        case "tick":
            return forms.BooleanField(**given)
        case "phone":
            phone = forms.TextInput({"type": "tel", "autocomplete": "tel", "inputmode": "tel"})
            given["error_messages"]["invalid"] = _("电话只能有数字、空格和 + - ( )，5 至 20 位。")
            return forms.RegexField(r"^[0-9+() -]{5,20}$", widget=phone, **given)
    longest = _LONGEST_TITLE if one.code == "title" else _LONGEST
    return forms.CharField(max_length=longest, **given)
