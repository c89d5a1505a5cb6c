"""The form of an interface key."""

from django import forms
from django.utils.translation import gettext_lazy as _

from liandong.base.models import Account, Unit

from .policies import SCOPES


class KeyForm(forms.Form):
    """What an interface key may do, from where and how long."""

    name = forms.CharField(label=_("用途"), max_length=100, help_text=_("例如：办公系统归档"))
    unit = forms.ModelChoiceField(
        label=_("机构"), queryset=Unit.objects.order_by("code"), empty_label=_("请选择")
    )
    account = forms.ModelChoiceField(
        label=_("答责账号"),
        queryset=Account.objects.filter(is_active=True, officer="", unit__isnull=False),
        to_field_name="username",
        empty_label=_("请选择"),
        help_text=_("须是该机构的账号；密钥所能看到的不超过它"),
    )
    scopes = forms.MultipleChoiceField(
        label=_("权限"), choices=list(SCOPES.items()), widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(label=_("有效天数"), min_value=1, max_value=366, initial=180)
    networks = forms.CharField(
        label=_("来源网段"),
        max_length=400,
        required=False,
        help_text=_("逗号分隔，如 10.1.2.0/24；不填则不限"),
    )
    per_minute = forms.IntegerField(
        label=_("每分钟次数"), min_value=1, max_value=100_000, required=False,
        help_text=_("不填按系统设置"),
    )  # fmt: skip
