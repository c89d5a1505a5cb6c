"""Forms of the hand-over."""

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from liandong.archive.models import Fonds
from liandong.intake.models import Batch, BatchState


class HandOverForm(forms.Form):
    """What a clerk says of a hand-over; the files come by themselves."""

    name = forms.CharField(
        label=_("批次名称"), max_length=300, help_text=_("例如：2023年度文书档案")
    )
    fonds = forms.ModelChoiceField(
        label=_("全宗"),
        queryset=Fonds.objects.none(),
        required=False,
        empty_label=_("按目录中的全宗号"),
    )
    mends = forms.ModelChoiceField(
        label=_("补交哪一批"), queryset=Batch.objects.none(), required=False,
        empty_label=_("不是补交"),
        help_text=_("只补交有问题的件时选择原批次"),
    )  # fmt: skip
    session = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(
        self, *args: object, fonds: QuerySet[Fonds], batches: QuerySet[Batch], **kwargs: object
    ) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        open_batches = batches.filter(state=BatchState.PENDING_REVIEW)
        for name, choices in (("fonds", fonds), ("mends", open_batches)):
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = choices
