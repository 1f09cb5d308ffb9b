"""What a fresh installation starts with: companies, headlines and bots. Staff may change them later in the
admin.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.nicknames import BOT_PREFIX
from games.core.bots import BotKind

ADMIN_EMAIL = "admin@stocking.local"
ADMIN_NICKNAME = "운영자"


@dataclass(frozen=True, slots=True)
class CompanySeed:
    """A fictional company."""

    symbol: str
    name: str
    name_en: str
    sector: str
    base_price: int
    description: str


@dataclass(frozen=True, slots=True)
class HeadlineSeed:
    """A headline in Korean and English; an empty sector fits every company. Basis points it moves the hidden
    value by.
    """

    text: str
    text_en: str
    is_good: bool
    magnitude_bps: int
    sector: str = ""


@dataclass(frozen=True, slots=True)
class BotSeed:
    """A bot's nickname and kind."""

    nickname: str
    kind: BotKind


COMPANIES = (
    CompanySeed(
        "HRE",
        "항로전자",
        "Hangro Electronics",
        "반도체",
        120_000,
        "인공지능 서버에 들어가는 고대역폭 메모리를 만들어요. 미세공정 수율과 대형 고객의 주문에 주가가 "
        "민감하게 움직이고, 신제품 양산 소식이 나오면 거래가 몰려요.",
    ),
    CompanySeed(
        "BRM",
        "바람자동차",
        "Baram Motors",
        "자동차",
        48_500,
        "도심형 전기차와 자율주행 택시를 만드는 회사예요. 해마다 신차를 두 종씩 내놓고, 배터리 원가와 해외 "
        "판매량이 실적을 좌우해요.",
    ),
    CompanySeed(
        "SBC",
        "솔빛화학",
        "Solbit Chemical",
        "화학",
        9_800,
        "배터리 양극재와 생분해 플라스틱을 만드는 소재 회사예요. 원재료 값과 환율에 따라 이익이 크게 "
        "달라져서 오르내림이 잦은 편이에요.",
    ),
)

HEADLINES = (
    # Fit every company.
    HeadlineSeed(
        "{company}, 시장 예상을 크게 웃도는 분기 실적 발표",
        "{company} reports quarterly earnings far above expectations",
        True,
        130,
    ),
    HeadlineSeed(
        "{company}, 해외 대형 고객과 장기 공급 계약 체결",
        "{company} signs a long-term supply deal with a major overseas customer",
        True,
        115,
    ),
    HeadlineSeed(
        "{company}, 자사주 대규모 매입·소각 결정",
        "{company} to buy back and cancel a large block of its shares",
        True,
        95,
    ),
    HeadlineSeed(
        "{company}, 정부 핵심 기술 지원 대상으로 선정",
        "{company} picked for the government's key technology programme",
        True,
        75,
    ),
    HeadlineSeed(
        "{company}, 증권사 세 곳이 목표주가 일제히 상향",
        "Three brokers raise their price targets for {company}",
        True,
        55,
    ),
    HeadlineSeed(
        "{company}, 신사업 진출 기대에 기관 매수세 유입",
        "Institutions buy {company} on hopes for its new business",
        True,
        50,
    ),
    HeadlineSeed("{company}, 배당 두 배 확대 계획 공시", "{company} plans to double its dividend", True, 70),
    HeadlineSeed(
        "{company}, 특허 소송 1심 승소", "{company} wins its patent case in the first instance", True, 80
    ),
    HeadlineSeed(
        "{company}, 시장 예상에 못 미친 분기 실적 발표",
        "{company} reports quarterly earnings below expectations",
        False,
        130,
    ),
    HeadlineSeed(
        "{company}, 주요 고객사 주문 취소로 매출 전망 하향",
        "{company} cuts its sales outlook as a key customer cancels orders",
        False,
        115,
    ),
    HeadlineSeed(
        "{company}, 대규모 유상증자 추진설에 술렁",
        "{company} unsettled by talk of a large share issue",
        False,
        105,
    ),
    HeadlineSeed(
        "{company}, 공장 정전으로 생산 라인 일시 중단",
        "Power failure halts a production line at {company}",
        False,
        75,
    ),
    HeadlineSeed(
        "{company}, 증권사 목표주가 줄줄이 하향", "Brokers cut their price targets for {company}", False, 55
    ),
    HeadlineSeed(
        "{company}, 핵심 임원 돌연 사임", "A key executive of {company} resigns without notice", False, 60
    ),
    HeadlineSeed(
        "{company}, 세무조사 착수 소식에 투자심리 위축",
        "Tax audit weighs on sentiment for {company}",
        False,
        80,
    ),
    HeadlineSeed(
        "{company}, 경쟁사 저가 공세에 점유율 하락",
        "{company} loses market share to a cheaper rival",
        False,
        50,
    ),
    # Of one sector.
    HeadlineSeed(
        "{company}, 차세대 메모리 양산 승인 획득",
        "{company} cleared to mass-produce next-generation memory",
        True,
        145,
        "반도체",
    ),
    HeadlineSeed(
        "{company}, AI 서버용 칩 수율 90% 돌파",
        "{company}'s yield of AI server chips passes 90%",
        True,
        110,
        "반도체",
    ),
    HeadlineSeed(
        "{company}, 신공정 수율 문제로 출하 지연",
        "{company} delays shipments over the yield of its new process",
        False,
        135,
        "반도체",
    ),
    HeadlineSeed(
        "{company}, 메모리 가격 하락 전망에 실적 우려",
        "Falling memory prices cloud the outlook of {company}",
        False,
        90,
        "반도체",
    ),
    HeadlineSeed(
        "{company}, 신형 전기차 사전계약 하루 3만 대 돌파",
        "{company}'s new electric car draws 30,000 orders in a day",
        True,
        135,
        "자동차",
    ),
    HeadlineSeed(
        "{company}, 자율주행 택시 시범 운행 허가",
        "{company} licensed to test its self-driving taxi",
        True,
        105,
        "자동차",
    ),
    HeadlineSeed(
        "{company}, 주력 전기차 12만 대 리콜 결정",
        "{company} recalls 120,000 of its best-selling electric cars",
        False,
        150,
        "자동차",
    ),
    HeadlineSeed(
        "{company}, 부품 공급 차질로 공장 가동률 하락",
        "Parts shortage slows the plants of {company}",
        False,
        80,
        "자동차",
    ),
    HeadlineSeed(
        "{company}, 양극재 신소재 개발 성공", "{company} develops a new cathode material", True, 125, "화학"
    ),
    HeadlineSeed(
        "{company}, 생분해 플라스틱 유럽 인증 획득",
        "{company}'s biodegradable plastic certified in Europe",
        True,
        95,
        "화학",
    ),
    HeadlineSeed(
        "{company}, 원재료 가격 급등에 이익 전망 하향",
        "{company} cuts its profit outlook as raw materials soar",
        False,
        110,
        "화학",
    ),
    HeadlineSeed(
        "{company}, 공장 누출 사고로 일부 설비 가동 중단",
        "Leak at a {company} plant halts part of its production",
        False,
        145,
        "화학",
    ),
)

BOTS = (
    BotSeed("봇_한결같은손", BotKind.MAKER),
    BotSeed("봇_든든한벽", BotKind.MAKER),
    BotSeed("봇_잔잔한강", BotKind.MAKER),
    BotSeed("봇_알뜰분석가", BotKind.VALUE),
    BotSeed("봇_느긋한곰", BotKind.VALUE),
    BotSeed("봇_날쌘황소", BotKind.VALUE),
    BotSeed("봇_끈기왕", BotKind.VALUE),
    BotSeed("봇_파도타기", BotKind.MOMENTUM),
    BotSeed("봇_질주본능", BotKind.MOMENTUM),
    BotSeed("봇_동전던지기", BotKind.NOISE),
    BotSeed("봇_바람개비", BotKind.NOISE),
    BotSeed("봇_점심시간", BotKind.NOISE),
    BotSeed("봇_초보여행자", BotKind.NOISE),
)

# Further bots are named after the hour and the trade, so that many listings find enough of them.
_HOURS = (
    "새벽", "아침", "한낮", "노을", "저녁", "한밤", "봄날", "여름", "가을", "겨울", "첫눈", "소나기", "무지개", "별빛",
    "달빛", "햇살", "바람", "구름", "안개", "이슬",
)  # fmt: skip
_TRADES = (
    "나무꾼", "뱃사공", "대장장이", "빵장수", "목수", "우체부", "사진사", "농부", "어부", "화가", "악사", "등대지기",
    "석공", "재봉사", "약초꾼", "정원사", "마부", "도예가", "서점지기", "시계공",
)  # fmt: skip


def further_nicknames() -> Iterator[str]:
    """Yield nicknames for bots beyond those of the catalogue, always in the same order."""
    for hour in _HOURS:
        for trade in _TRADES:
            yield f"{BOT_PREFIX}{hour}{trade}"
