"""The order form without JavaScript, through the real gate: what is typed, what is told, and where one lands."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from accounts.models import User
from trading.forms import AmendForm, OrderForm, first_error
from trading.gate.client import gate
from trading.models import Order
from trading.tests.market import Exchange, open_exchange

pytestmark = pytest.mark.django_db


@pytest.fixture
def exchange() -> Exchange:
    return open_exchange()


@pytest.fixture
def me(client: Client, exchange: Exchange) -> User:
    exchange.account("나")
    client.force_login(exchange.players["나"])
    return exchange.players["나"]


def fields(**changes: Any) -> dict[str, Any]:
    given = {
        "client_order_id": "form-1", "symbol": "AAA", "side": "buy", "type": "limit", "price": "100000",
        "quantity": "3", "next": "/stocks/AAA/",
    }  # fmt: skip
    return {name: value for name, value in {**given, **changes}.items() if value is not None}


def post(client: Client, path: str, data: dict[str, Any], lands: str = "/stocks/AAA/") -> tuple[str, str]:
    """Post a form and return the level and the text of what it says."""
    response = client.post(path, data)
    assert response.status_code == 302
    assert response["Location"] == lands
    *_before, message = get_messages(response.wsgi_request)
    return message.level_tag, str(message)


def test_an_order_is_placed_and_said_so(client: Client, exchange: Exchange, me: User) -> None:
    level, text = post(client, "/orders/submit/", fields(price=" 100,000원", quantity="3주"))
    assert level == "success"
    assert "접수" in text
    exchange.drain()
    order = Order.objects.get(user=me)
    assert (order.side, order.type, order.price, order.quantity) == ("buy", "limit", 100_000, 3)


def test_the_same_form_sent_twice_is_one_order(client: Client, exchange: Exchange, me: User) -> None:
    post(client, "/orders/submit/", fields())
    level, text = post(client, "/orders/submit/", fields())
    assert level == "success"
    assert "한 번만" in text
    exchange.drain()
    assert Order.objects.filter(user=me).count() == 1


def test_the_same_id_for_another_order_is_refused(client: Client, exchange: Exchange, me: User) -> None:
    post(client, "/orders/submit/", fields())
    level, _text = post(client, "/orders/submit/", fields(quantity="4"))
    assert level == "error"
    exchange.drain()
    assert Order.objects.get(user=me).quantity == 3


def test_a_market_order_ignores_the_price_field(client: Client, exchange: Exchange, me: User) -> None:
    level, _text = post(client, "/orders/submit/", fields(type="market", price="무엇이든"))
    assert level == "success"
    exchange.drain()
    order = Order.objects.get(user=me)
    assert (order.type, order.status, order.reason) == ("market", "canceled", "market_remainder")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"quantity": ""}, "수량"),
        ({"quantity": "세 주"}, "수량"),
        ({"quantity": "1.5"}, "수량"),
        ({"quantity": "-1"}, "수량"),
        ({"quantity": "9" * 30}, "수량"),
        ({"quantity": "٣"}, "수량"),
        ({"price": ""}, "지정가 주문은 가격"),
        ({"price": "1e5"}, "가격"),
        ({"side": "hold"}, "구분"),
        ({"type": "stop"}, "유형"),
        ({"client_order_id": "a b"}, ""),
        ({"client_order_id": None}, ""),
        ({"price": "100050"}, "호가단위"),
        ({"price": "200000"}, "상한가"),
        ({"quantity": "0"}, "수량은 1주"),
        ({"quantity": "1000000"}, "가용금액"),
        ({"side": "sell"}, "가용수량"),
        ({"symbol": "ZZZ"}, "종목"),
    ],
)
def test_what_is_wrong_is_told_and_places_nothing(
    client: Client, exchange: Exchange, me: User, changes: dict[str, Any], told: str
) -> None:
    level, text = post(client, "/orders/submit/", fields(**changes))
    assert level == "error"
    assert told in text
    assert text
    exchange.drain()
    assert not Order.objects.filter(user=me).exists()


def test_visitors_are_sent_to_log_in_and_come_back(client: Client, exchange: Exchange) -> None:
    for path in ("/orders/submit/", "/orders/1-1-1/amend/", "/orders/1-1-1/cancel/", "/orders/cancel-all/"):
        response = client.post(path, fields())
        assert response.status_code == 302
        assert response["Location"] == "/accounts/login/?next=%2Fstocks%2FAAA%2F"


@pytest.mark.parametrize(
    "path", ["/orders/submit/", "/orders/1-1-1/amend/", "/orders/1-1-1/cancel/", "/orders/cancel-all/"]
)
def test_forms_are_posted(client: Client, me: User, path: str) -> None:
    assert client.get(path).status_code == 405


def test_a_form_needs_its_token(exchange: Exchange, me: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(me)
    response = strict.post("/orders/submit/", fields())
    assert response.status_code == 403
    exchange.drain()
    assert not Order.objects.exists()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_one_never_lands_on_another_site(client: Client, exchange: Exchange, me: User, target: str) -> None:
    post(client, "/orders/submit/", fields(next=target), lands="/stocks/AAA/")


def resting(client: Client, exchange: Exchange, me: User) -> Order:
    client.post("/orders/submit/", fields())
    exchange.drain()
    return Order.objects.get(user=me)


def test_amending_sends_only_what_changed(client: Client, exchange: Exchange, me: User) -> None:
    order = resting(client, exchange, me)
    form = {"price": "99,900", "quantity": "3", "old_price": "100000", "old_quantity": "3"}
    level, text = post(client, f"/orders/{order.public_id}/amend/", form, lands="/orders/")
    assert (level, text) == ("success", "정정을 접수했어요.")
    exchange.drain()
    order.refresh_from_db()
    assert (order.price, order.quantity, order.status) == (99_900, 3, "open")


def test_amending_nothing_is_said(client: Client, exchange: Exchange, me: User) -> None:
    order = resting(client, exchange, me)
    form = {"price": "100,000", "quantity": "3", "old_price": "100000", "old_quantity": "3"}
    level, text = post(client, f"/orders/{order.public_id}/amend/", form, lands="/orders/")
    assert level == "error"
    assert "바뀐 값이 없어요" in text


def test_a_refused_amend_is_told(client: Client, exchange: Exchange, me: User) -> None:
    order = resting(client, exchange, me)
    level, text = post(client, f"/orders/{order.public_id}/amend/", {"price": "100001"}, lands="/orders/")
    assert level == "error"
    assert "호가단위" in text


def test_canceling(client: Client, exchange: Exchange, me: User) -> None:
    order = resting(client, exchange, me)
    level, _text = post(client, f"/orders/{order.public_id}/cancel/", {"next": "/stocks/AAA/"})
    assert level == "success"
    exchange.drain()
    order.refresh_from_db()
    assert (order.status, order.reason) == ("canceled", "user")
    level, text = post(client, f"/orders/{order.public_id}/cancel/", {"next": "/stocks/AAA/"})
    assert level == "error"
    assert "이미" in text


def test_another_players_order_cannot_be_touched(client: Client, exchange: Exchange, me: User) -> None:
    theirs = exchange.submit("남", "buy", 1, 100_000)
    exchange.drain()
    for action, form in (("cancel", {}), ("amend", {"price": "99900"})):
        level, text = post(client, f"/orders/{theirs.order_id}/{action}/", form, lands="/orders/")
        assert level == "error"
        assert "찾을 수 없어요" in text
    exchange.drain()
    assert Order.objects.get().status == "open"


def test_canceling_everything(client: Client, exchange: Exchange, me: User) -> None:
    for number in range(3):
        client.post("/orders/submit/", fields(client_order_id=f"all-{number}"))
    exchange.drain()
    level, _text = post(client, "/orders/cancel-all/", {"symbol": "AAA"}, lands="/orders/")
    assert level == "success"
    exchange.drain()
    assert set(Order.objects.values_list("status", flat=True)) == {"canceled"}
    assert gate().balances(exchange.market.pk, me.pk).cash == exchange.market.initial_cash


def test_the_first_error_names_its_field() -> None:
    form = OrderForm(fields(price="x", quantity="y"))
    assert not form.is_valid()
    assert first_error(form) == "가격: 숫자만 입력해 주세요."
    assert first_error(AmendForm({"price": "100"})) == ""
