"""The admin of the exchange: the ledger can be looked at and not touched, companies edited, listings halted."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.models import User
from chat.models import Message
from stocking.base.units import now_ms
from trading.admin import LedgerAdmin
from trading.gate.client import gate
from trading.models import (
    Candle,
    Company,
    GateRecord,
    Holding,
    Intervention,
    Listing,
    Market,
    Order,
    Outbox,
    Portfolio,
    Trade,
)
from trading.tests.ledger_rows import LedgerRows, ledger_rows, user_row

pytestmark = pytest.mark.django_db

LEDGER = [GateRecord, Market, Listing, Portfolio, Holding, Order, Trade, Candle, Outbox, Intervention]


@pytest.fixture
def rows() -> LedgerRows:
    return ledger_rows()


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("staff@example.com", "운영자"))
    return client


@pytest.fixture
def filled(rows: LedgerRows) -> LedgerRows:
    one, other = user_row(), user_row()
    rows.trade(one, other)
    rows.cash(one, 1)
    rows.hold(one, "AAA", 1, 10_000)
    rows.candle("AAA", now_ms(), (1, 1, 1, 1), 1)
    Intervention.objects.create(kind="pause", market=rows.market, reason="x", at=1)
    Outbox.objects.create(listing=rows.listings["AAA"], first=1, last=2, payload="[]")
    GateRecord.objects.get_or_create(epoch=1)
    return rows


@pytest.mark.parametrize("model", LEDGER, ids=lambda model: model.__name__)
def test_the_ledger_can_be_looked_at_only(staff: Client, filled: LedgerRows, model: type) -> None:
    assert isinstance(admin.site._registry[model], LedgerAdmin)
    base = f"/admin/trading/{model._meta.model_name}"
    row = model.objects.first()
    assert staff.get(f"{base}/").status_code == 200
    assert staff.get(f"{base}/?q=1").status_code == 200
    detail = staff.get(f"{base}/{row.pk}/change/")
    assert detail.status_code == 200
    assert 'name="_save"' not in detail.content.decode()
    assert staff.get(f"{base}/add/").status_code == 403
    assert staff.post(f"{base}/{row.pk}/change/", {}).status_code == 403
    assert staff.post(f"{base}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    deleting = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    staff.post(f"{base}/", deleting)
    assert model.objects.filter(pk=row.pk).exists()


def test_every_model_of_the_exchange_is_there() -> None:
    from django.apps import apps

    registered = {model for model in admin.site._registry if model._meta.app_label == "trading"}
    assert registered == set(apps.get_app_config("trading").get_models())


def test_an_order_is_found_by_its_public_id(staff: Client, rows: LedgerRows) -> None:
    one, other = rows.order(user_row()), rows.order(user_row())
    text = staff.get(f"/admin/trading/order/?q={one.public_id}").content.decode()
    assert f">{one.public_id}<" in text
    assert f">{other.public_id}<" not in text


def company(**changes: object) -> dict[str, object]:
    return {
        "symbol": "NEW", "name": "새회사", "name_en": "New", "sector": "바이오", "description": "새로워요.",
        "base_price": 12_340, "is_listed": "on", **changes,
    }  # fmt: skip


def test_companies_can_be_added_and_mended(staff: Client) -> None:
    assert staff.post("/admin/trading/company/add/", company()).status_code == 302
    new = Company.objects.get(symbol="NEW")
    assert staff.post(f"/admin/trading/company/{new.pk}/change/", company(symbol="NEW2")).status_code == 302
    assert staff.post(f"/admin/trading/company/{new.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Company.objects.exists()


def test_a_base_price_stands_on_the_tick(staff: Client) -> None:
    answer = staff.post("/admin/trading/company/add/", company(base_price=12_345))
    assert answer.status_code == 200
    assert "12,340원" in answer.content.decode()
    assert not Company.objects.exists()


def test_a_traded_company_keeps_its_symbol_and_stays(staff: Client, rows: LedgerRows) -> None:
    traded = Company.objects.get(symbol="AAA")
    address = f"/admin/trading/company/{traded.pk}"
    assert staff.post(f"{address}/change/", company(symbol="ZZZ", base_price=20_000)).status_code == 302
    traded.refresh_from_db()
    assert (traded.symbol, traded.base_price) == ("AAA", 20_000)
    assert Listing.objects.get(symbol="AAA").base_price == 10_000
    assert staff.post(f"{address}/delete/", {"post": "yes"}).status_code == 403


def act(client: Client, action: str, listing: Listing, **fields: str) -> str:
    answer = client.post(
        "/admin/trading/listing/", {"action": action, "_selected_action": [listing.pk], **fields}, follow=True
    )
    listing.refresh_from_db()
    return answer.content.decode()


def test_a_listing_can_be_halted_and_resumed(staff: Client, rows: LedgerRows) -> None:
    listing = rows.listings["AAA"]
    for reason in ({}, {"reason": ""}, {"reason": " \u200b "}):
        assert 'name="reason"' in act(staff, "halt", listing, **reason)
        assert not listing.is_halted, "staff must say why"
    act(staff, "halt", listing, reason="공시  확인")
    assert (listing.is_halted, listing.halt_reason) == (True, "공시 확인")
    assert gate().redis.hget(f"listing:{listing.pk}", "halted") == b"1"
    act(staff, "halt", listing, reason="두 번째")
    act(staff, "resume", listing, reason="공시 완료")
    assert not listing.is_halted
    assert gate().redis.hget(f"listing:{listing.pk}", "halted") == b"0"
    told = list(Message.objects.order_by("pk").values_list("text", flat=True))
    name = f"{listing.company.name}(AAA)"
    assert told == [
        f"{name} 거래를 정지했어요. 취소는 할 수 있어요. 이유: 공시 확인",
        f"{name} 거래를 다시 시작해요. 이유: 공시 완료",
    ]
    logged = [
        (row.kind, row.listing_id, row.reason, row.by.nickname) for row in Intervention.objects.order_by("pk")
    ]
    assert logged == [
        ("halt", listing.pk, "공시 확인", "운영자"),
        ("lift", listing.pk, "공시 완료", "운영자"),
    ]
    assert LogEntry.objects.count() == 2
    history = staff.get(f"/admin/trading/listing/{listing.pk}/history/").content.decode()
    assert "공시 확인" in history
    assert "공시 확인" in staff.get("/admin/trading/intervention/").content.decode()


def test_a_listing_of_a_past_game_is_left_alone(staff: Client, rows: LedgerRows) -> None:
    listing = rows.listings["AAA"]
    Listing.objects.filter(pk=listing.pk).update(is_closed=True)
    act(staff, "halt", listing, reason="늦은 정지")
    assert not listing.is_halted
    assert not Intervention.objects.exists()


def test_who_may_only_look_cannot_halt(client: Client, rows: LedgerRows) -> None:
    from django.contrib.auth.models import Permission

    viewer = user_row(is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_listing"))
    client.force_login(viewer)
    assert client.get("/admin/trading/listing/").status_code == 200
    act(client, "halt", rows.listings["AAA"], reason="몰래")
    assert not rows.listings["AAA"].is_halted
