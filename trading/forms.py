"""The HTML forms of order entry: what a person types becomes integers, or a hint at what to mend."""

import re
import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

CLIENT_ORDER_ID = r"^[A-Za-z0-9_-]{1,36}\Z"
DIGITS_MAX = 15
_SEPARATORS = re.compile(r"[\s,원주]")


def client_order_id_new() -> str:
    """Return a fresh id, so that a form sent twice is one order."""
    return str(uuid.uuid4())


class WholeNumberField(forms.Field):
    """A whole number ≥ 1; thousands separators and the units 원 and 주 may be typed along."""

    default_error_messages = {"invalid": _("숫자만 입력해 주세요.")}
    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})

    def to_python(self, value: Any) -> int | None:
        """Return the number, None where nothing was typed."""
        text = _SEPARATORS.sub("", str(value)) if value is not None else ""
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return int(text)


class OrderForm(forms.Form):
    """A new order. A market order has no price; what stands in its field is not looked at."""

    client_order_id = forms.RegexField(CLIENT_ORDER_ID, widget=forms.HiddenInput)
    symbol = forms.CharField(max_length=8, widget=forms.HiddenInput)
    side = forms.ChoiceField(label=_("구분"), choices=[("buy", _("매수")), ("sell", _("매도"))])
    type = forms.ChoiceField(label=_("유형"), choices=[("limit", _("지정가")), ("market", _("시장가"))])
    price = WholeNumberField(label=_("가격"), required=False)
    quantity = WholeNumberField(label=_("수량"), error_messages={"required": _("수량을 입력해 주세요.")})

    def clean(self) -> dict[str, Any]:
        """A limit order needs a price, a market order loses it."""
        cleaned = super().clean() or {}
        if cleaned.get("type") == "market":
            cleaned["price"] = None
            self.errors.pop("price", None)
        elif cleaned.get("type") == "limit" and "price" not in self.errors and cleaned.get("price") is None:
            self.add_error("price", _("지정가 주문은 가격을 입력해 주세요."))
        return cleaned


class AmendForm(forms.Form):
    """New price, new total quantity or both; what is left as it was is not sent."""

    price = WholeNumberField(label=_("가격"), required=False)
    quantity = WholeNumberField(label=_("수량"), required=False)
    old_price = WholeNumberField(required=False, widget=forms.HiddenInput)
    old_quantity = WholeNumberField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Leave out what did not change; nothing at all is an error."""
        cleaned = super().clean() or {}
        for name in ("price", "quantity"):
            if cleaned.get(name) == cleaned.get(f"old_{name}"):
                cleaned[name] = None
        if not self.errors and cleaned.get("price") is None and cleaned.get("quantity") is None:
            raise forms.ValidationError(_("바뀐 값이 없어요. 가격이나 수량을 바꿔 주세요."))
        return cleaned


def first_error(form: forms.Form) -> str:
    """Return the first thing to mend, led by its field's name."""
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else None
        return f"{label}: {errors[0]}" if label else str(errors[0])
    return ""
