"""What a fresh installation starts with: companies, headlines and bots. Staff may change them later in the
admin.
"""

from dataclasses import dataclass

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
    """A headline; an empty sector fits every company. Basis points it moves the hidden value by."""

    text: str
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
    HeadlineSeed("{company}, 시장 예상을 크게 웃도는 분기 실적 발표", True, 420),
    HeadlineSeed("{company}, 해외 대형 고객과 장기 공급 계약 체결", True, 380),
    HeadlineSeed("{company}, 자사주 대규모 매입·소각 결정", True, 300),
    HeadlineSeed("{company}, 정부 핵심 기술 지원 대상으로 선정", True, 260),
    HeadlineSeed("{company}, 증권사 세 곳이 목표주가 일제히 상향", True, 200),
    HeadlineSeed("{company}, 신사업 진출 기대에 기관 매수세 유입", True, 180),
    HeadlineSeed("{company}, 배당 두 배 확대 계획 공시", True, 240),
    HeadlineSeed("{company}, 특허 소송 1심 승소", True, 280),
    HeadlineSeed("{company}, 시장 예상에 못 미친 분기 실적 발표", False, 420),
    HeadlineSeed("{company}, 주요 고객사 주문 취소로 매출 전망 하향", False, 380),
    HeadlineSeed("{company}, 대규모 유상증자 추진설에 술렁", False, 340),
    HeadlineSeed("{company}, 공장 정전으로 생산 라인 일시 중단", False, 260),
    HeadlineSeed("{company}, 증권사 목표주가 줄줄이 하향", False, 200),
    HeadlineSeed("{company}, 핵심 임원 돌연 사임", False, 220),
    HeadlineSeed("{company}, 세무조사 착수 소식에 투자심리 위축", False, 280),
    HeadlineSeed("{company}, 경쟁사 저가 공세에 점유율 하락", False, 180),
    # Of one sector.
    HeadlineSeed("{company}, 차세대 메모리 양산 승인 획득", True, 450, "반도체"),
    HeadlineSeed("{company}, AI 서버용 칩 수율 90% 돌파", True, 360, "반도체"),
    HeadlineSeed("{company}, 신공정 수율 문제로 출하 지연", False, 440, "반도체"),
    HeadlineSeed("{company}, 메모리 가격 하락 전망에 실적 우려", False, 300, "반도체"),
    HeadlineSeed("{company}, 신형 전기차 사전계약 하루 3만 대 돌파", True, 430, "자동차"),
    HeadlineSeed("{company}, 자율주행 택시 시범 운행 허가", True, 340, "자동차"),
    HeadlineSeed("{company}, 주력 전기차 12만 대 리콜 결정", False, 460, "자동차"),
    HeadlineSeed("{company}, 부품 공급 차질로 공장 가동률 하락", False, 280, "자동차"),
    HeadlineSeed("{company}, 양극재 신소재 개발 성공", True, 400, "화학"),
    HeadlineSeed("{company}, 생분해 플라스틱 유럽 인증 획득", True, 320, "화학"),
    HeadlineSeed("{company}, 원재료 가격 급등에 이익 전망 하향", False, 360, "화학"),
    HeadlineSeed("{company}, 공장 누출 사고로 일부 설비 가동 중단", False, 450, "화학"),
)

BOTS = (
    BotSeed("봇_한결같은손", BotKind.MAKER),
    BotSeed("봇_든든한벽", BotKind.MAKER),
    BotSeed("봇_잔잔한강", BotKind.MAKER),
    BotSeed("봇_알뜰분석가", BotKind.VALUE),
    BotSeed("봇_느긋한곰", BotKind.VALUE),
    BotSeed("봇_날쌘황소", BotKind.VALUE),
    BotSeed("봇_동전던지기", BotKind.NOISE),
    BotSeed("봇_바람개비", BotKind.NOISE),
    BotSeed("봇_점심시간", BotKind.NOISE),
    BotSeed("봇_초보여행자", BotKind.NOISE),
)
