"""What the admin asks staff before a deed on a game, and how the game stands, in words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from games import control
from games.announcing import left_text
from games.core.schedule import GameView, Phase, phase_ends_at
from games.models import Game
from games.selectors import game_times
from stocking.base.errors import ApplicationError
from trading.models import Intervention
from trading.reasons import ReasonForm

MINUTE_MS = 60_000
Kind = Intervention.Kind


class DeedForm(ReasonForm):
    """A reason, and the revision of the times that the page has shown."""

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def perform(self, kind: Intervention.Kind, game: Game | None, staff: User, now_ms: int) -> Game | None:
        """Do it; None, and an error on the form, where the game's state does not allow it."""
        asked: dict[str, Any] = {
            "now_ms": now_ms,
            "reason": self.cleaned_data["reason"],
            "staff": staff,
            "revision": self.cleaned_data["revision"],
        }
        try:
            return self._deed(kind, game, asked)
        except control.ControlError as refusal:
            self.add_error(None, str(refusal))
        except ApplicationError as refusal:
            self.add_error(None, refusal.as_dict()["message"])
        return None

    def _deed(self, kind: Intervention.Kind, game: Game | None, asked: dict[str, Any]) -> Game | None:
        if kind is Kind.START:
            return control.game_start(number=None if game is None else game.number, **asked)
        if game is None:
            raise ApplicationError("not_found")
        if kind is Kind.CANCEL:
            if control.game_cancel(game=game, **asked):
                return game
            raise control.ControlError(_t("게임 %(game)s은 이미 끝났어요.") % {"game": game})
        services: dict[Intervention.Kind, Callable[..., Game]] = {
            Kind.PAUSE: control.game_pause,
            Kind.RESUME: control.game_resume,
            Kind.END: control.game_end,
            Kind.EXTEND: control.game_extend,
        }
        return services[kind](number=game.number, **asked)


class ExtendForm(DeedForm):
    """For how long, too."""

    minutes = forms.IntegerField(
        label=_("늘릴 시간(분)"), min_value=1, max_value=control.EXTENSION_MS_MAX // MINUTE_MS, initial=1
    )
    field_order = ("minutes", "reason")

    def _deed(self, kind: Intervention.Kind, game: Game | None, asked: dict[str, Any]) -> Game | None:
        return super()._deed(kind, game, asked | {"by_ms": self.cleaned_data["minutes"] * MINUTE_MS})


@dataclass(frozen=True, slots=True)
class Deed:
    """How the admin names a deed, what it says of its consequences, and what it asks."""

    title: Any
    explanation: Any
    form: type[DeedForm] = DeedForm


DEEDS = {
    Kind.START: Deed(
        _("지금 시작"),
        _("준비 중인 게임은 바로 거래를 시작하고, 쉬는 시간이면 다음 게임을 짧은 준비와 함께 시작해요."),
    ),
    Kind.PAUSE: Deed(
        _("일시정지"),
        _(
            "시계와 거래, 뉴스와 봇이 모두 멈춰요. 이미 접수된 주문은 체결돼요. "
            "다시 시작하면 남은 시간 그대로 이어져요."
        ),
    ),
    Kind.RESUME: Deed(_("다시 시작"), _("멈춘 시간만큼 남은 일정이 모두 뒤로 밀려요.")),
    Kind.EXTEND: Deed(_("시간 연장"), _("지금 단계를 늘려요. 뒤의 일정도 함께 밀려요."), ExtendForm),
    Kind.END: Deed(
        _("조기 종료"), _("거래를 지금 끝내고 여기까지의 거래로 결과를 만들어요. 되돌릴 수 없어요.")
    ),
    Kind.CANCEL: Deed(_("게임 취소"), _("결과와 MMR 없이 게임을 끝내요. 되돌릴 수 없어요.")),
}


def state_text(game: Game | None, now_ms: int) -> str:
    """Return how a game stands: its phase, what is left of it, and whether its clock stands."""
    if game is None:
        return _t("아직 게임이 없어요.")
    phase = Phase(game.phase)
    parts = [_t("게임 %(game)s") % {"game": game}, str(game.get_phase_display())]
    if phase is not Phase.SETTLING:
        ends_at = phase_ends_at(GameView(phase, game_times(game, now_ms)))
        parts.append(left_text(phase, max(0, ends_at - now_ms)))
    if game.is_paused:
        parts.append(_t("일시정지: %(reason)s") % {"reason": game.pause_reason})
    return " · ".join(parts)
