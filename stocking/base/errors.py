"""Every code a refusal can carry, with its HTTP status and what the player is told to do next."""

from typing import Any

from django.utils.translation import gettext_lazy as _

_ERRORS: dict[str, tuple[int, Any]] = {
    "invalid_request": (400, _("요청 형식이 올바르지 않아요. 입력한 값을 확인해 주세요.")),
    "not_authenticated": (401, _("로그인이 필요해요. 로그인하거나 체험하기로 바로 시작해 보세요.")),
    "session_ended": (401, _("로그인이 끝났어요. 다시 로그인해 주세요.")),
    "logged_in_elsewhere": (401, _("다른 장치에서 로그인되어 로그아웃됩니다")),
    "csrf_failed": (403, _("보안 확인에 실패했어요. 페이지를 새로고침한 뒤 다시 시도해 주세요.")),
    "forbidden": (403, _("이 작업을 할 권한이 없어요.")),
    "not_found": (404, _("찾을 수 없어요. 주소를 확인해 주세요.")),
    "unknown_symbol": (404, _("지금 게임에 없는 종목이에요. 시장에서 종목을 골라 주세요.")),
    "order_not_found": (404, _("내 주문에서 찾을 수 없어요. 주문 목록을 확인해 주세요.")),
    "method_not_allowed": (405, _("지원하지 않는 요청 방식이에요.")),
    "request_too_large": (413, _("요청이 너무 커요.")),
    "order_not_open": (422, _("이미 체결됐거나 취소된 주문이에요.")),
    "amend_pending": (422, _("앞선 정정을 처리하고 있어요. 잠시 뒤에 다시 시도해 주세요.")),
    "market_closed": (422, _("지금은 거래 시간이 아니에요. 다음 게임을 기다려 주세요.")),
    "market_paused": (
        422,
        _("게임이 잠시 멈췄어요. 다시 시작하면 남은 시간 그대로 이어져요."),
    ),
    "halted": (422, _("거래가 정지된 종목이에요. 취소는 할 수 있어요.")),
    "invalid_quantity": (422, _("수량은 1주 이상이고, 정정할 때는 체결된 수량보다 많아야 해요.")),
    "order_too_large": (422, _("주문이 너무 커요. 수량을 줄여 주세요.")),
    "invalid_tick": (422, _("호가단위에 맞지 않는 가격이에요. 호가단위에 맞춰 주세요.")),
    "price_out_of_range": (422, _("상한가와 하한가 사이의 가격만 주문할 수 있어요.")),
    "too_many_open_orders": (422, _("미체결 주문이 너무 많아요. 몇 개를 취소한 뒤 다시 시도해 주세요.")),
    "insufficient_cash": (422, _("가용금액이 부족해요. 수량을 줄이거나 미체결 매수를 취소해 주세요.")),
    "insufficient_shares": (422, _("가용수량이 부족해요. 수량을 줄이거나 미체결 매도를 취소해 주세요.")),
    "client_order_id_reused": (422, _("같은 주문 번호로 다른 주문이 이미 접수됐어요. 새로 주문해 주세요.")),
    "chat_silenced": (403, _("지금은 채팅을 쓸 수 없어요. 제한이 끝나면 다시 이야기할 수 있어요.")),
    "message_not_found": (404, _("이미 사라졌거나 신고할 수 없는 메시지예요.")),
    "too_many_mutes": (422, _("차단할 수 있는 사람이 가득 찼어요. 차단 목록에서 몇 명을 풀어 주세요.")),
    "message_refused": (422, _("여기서 쓸 수 없는 말이 들어 있어요. 고쳐서 다시 보내 주세요.")),
    "rate_limited": (429, _("요청이 너무 잦아요. 잠시 뒤에 다시 시도해 주세요.")),
    "recovering": (503, _("거래소를 복구하고 있어요. 곧 다시 열려요.")),
    "overloaded": (503, _("주문이 몰리고 있어요. 잠시 뒤에 다시 시도해 주세요.")),
    "outcome_unknown": (
        503,
        _("접수됐는지 확인하지 못했어요. 같은 주문 번호로 다시 보내면 한 번만 접수돼요."),
    ),
    "unavailable": (503, _("지금은 처리할 수 없어요. 잠시 뒤에 다시 시도해 주세요.")),
    "practice_not_found": (404, _("진행 중인 연습 게임이 없어요. 새로 시작해 주세요.")),
    "practice_full": (503, _("지금은 연습하는 사람이 많아요. 잠시 뒤에 다시 시도해 주세요.")),
    "practice_unavailable": (503, _("연습 게임을 준비하고 있어요. 잠시 뒤에 다시 시도해 주세요.")),
    "server_error": (500, _("서버에 문제가 생겼어요. 잠시 뒤에 다시 시도해 주세요.")),
}

CODES = frozenset(_ERRORS)
# Refusals that pass by themselves: ask again after a second, or after what the refusal says.
_PASSING = frozenset({"rate_limited", "recovering", "overloaded", "unavailable"})


class ApplicationError(Exception):
    """An expected refusal at the edge: changes nothing and is told to the caller by its code.

    `extra` goes into the JSON answer beside `code` and `message` (for example `retry_after_ms`).
    """

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = str(code)
        self.extra = extra

    def as_dict(self) -> dict[str, Any]:
        """Return the error object of the JSON API, its message in the active language."""
        return {"code": self.code, "message": message_of(self.code), **self.extra}


def http_status(code: str) -> int:
    """Return the HTTP status of a refusal code; 500 for a code nobody has registered."""
    return _ERRORS.get(code, _ERRORS["server_error"])[0]


def retry_after_seconds(code: str, retry_after_ms: int | None = None) -> int | None:
    """Return the whole seconds of the `Retry-After` header, None for a refusal that does not pass by itself."""
    if code not in _PASSING:
        return None
    return max(1, -(-int(1_000 if retry_after_ms is None else retry_after_ms) // 1_000))


def message_of(code: str) -> str:
    """Return the message of a refusal code in the active language: what is wrong and what to do next."""
    return str(_ERRORS.get(code, _ERRORS["server_error"])[1])
