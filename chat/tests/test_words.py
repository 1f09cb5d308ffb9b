"""Forbidden words are found in disguise, and harmless sentences pass."""

import pytest

from chat.core.words import WordFilter, compose, fold
from chat.filtering import ALLOWED_LISTS, FORBIDDEN_LISTS, list_words


@pytest.fixture(scope="module")
def lists() -> WordFilter:
    return WordFilter(
        [word for name in FORBIDDEN_LISTS for word in list_words(name)],
        [word for name in ALLOWED_LISTS for word in list_words(name)],
    )


FORBIDDEN = {
    "as it is": "시발 · 씨발놈아 · 병신같네 · 개새끼야 · 좆같다 · 지랄하네 · fuck you · bullshit · you ass",
    "going on": "야 씨발아 · 시발언니 · 시발생각",
    "case and width": "FuCk · ＦＵＣＫ · ｓｈｉｔ · 𝓯𝓾𝓬𝓴 · 🅵🆄🅲🅺 · 🇫🇺🇨🇰 · Ⓢⓗⓘⓣ",
    "drawn out": "시이이발 · 시바알 · 씨이바알 · 지이랄 · fuuuuck · shiiit · biiitch",
    "spaced": "시 발 · 씨 발 · 병 신 · f u c k · s h i t · ㅅ ㅂ · 개 새 끼 · a s s",
    "with something between": "시.발 · 시1발 · 시🍎발 · 시_발놈 · 병~신 · f.u.c.k · s-h-i-t · ㅅ.ㅂ · 시ㅋ발 · 시ㅣ발",
    "invisible letters between": "시\u200b발 · 시\u200d발 · 시\u3164발 · f\u200bu\u2060c\u00adk · 병\u180e신",
    "marks and accents": "fück · shít · f\u0336u\u0336c\u0336k · 병\u0336신",
    "look-alikes": "fuсk · shіt · ѕhit · fυck · ƒuck",  # Cyrillic and Greek
    "digits and signs for letters": "sh1t · $hit · b!tch · n1gg3r · 5hit · a$$hole · f4ggot",
    "single jamo": "ㅅㅣㅂㅏㄹ · 시ㅂㅏㄹ · ㅅㅣ발 · 시바ㄹ · ㅂㅕㅇㅅㅣㄴ · ㅅ1ㅂㅏㄹ · ㅅl발 · ㅅㅣㅂㅏㄹㅋㅋ",
    "decomposed": "\u1109\u1175\u1107\u1161\u11af · \u1107\u1167\u11bc\u1109\u1175\u11ab",
    "half width": "ﾵￂﾲￂﾩ · ﾵﾲ",
    "initials": "ㅅㅂ · ㅅㅂㅅㅂ · ㅋㅋㅅㅂㅋㅋ · ㅆㅂ · ㅂㅅ · ㅄ · ㄱㅅㄲ · ㅈㄹ · ㅂㅅ이냐",
    "keyboard in Latin": "tlqkf · Tlqkfsha · qudtls · rotoRl",
    "together or apart": "개 새끼야 · 이 새끼가 · 미친 놈 · 엿 먹어라",
    "Korean in Latin letters": "ssibal · shibal · byungsin · gaesaekki",
    "advertising": "open.kakao.com/o/abc · t.me/stockking · 무료 리딩 들어오세요 · 원금 보장해드려요",
}

HARMLESS = (
    "다시 발표해요 · 즉시발표 · 택시발전기금 · 역시 발 빠른 매수 · 시 발표는 내일이에요 · 3시발표 · "
    "일시발행 · 아저씨 발 · 날씨 발표 · 씨앗 발아 · 오늘 발 시려 · 시바견 · 시가총액 · "
    "class pass assets · analyst의 document · grape analysis · peacock cocktail · title · Scunthorpe · "
    "dickens · is hit · push it up · magna cum laude · 보지 마세요 · 두고 보지 뭐 · 먼저 자지 마세요 · "
    "새끼 고양이 · 가족같은 분위기 · 3조까지 올라요 · 미니미니 · ㄱㅅ · ㅋㅋㅋㅋ · ㅠㅠ · ㅇㅈ · ㅂㅂ · "
    "ㅈㅅ · 455원 · 5 5 5 · 1,455 · 18주 샀어요 · 신병 · 결국 신고가 · 오후장 추정액 · 5개년 계획 · "
    "후장에 급등 · 오늘 후장 반등 · 한강간다 · 땅따먹기 · 돈 따먹기네 · 원금 보장되는 예금 · 수익 보장은 없지 · "
    "급등주 추천 좀 해주세요 · 무료 리딩 조심하세요 · 품질싸움 · 쇼핑몰카드 · 김치녀석 · 야동네사람 · 개시발표 · "
    "건강간식 · 유니섹스 · 피아노콘서트 · 질병신고 · 뒤져 보자 · 이 새로운 소식 · 항로전자 가즈아!! · "
    "안녕하세요 <b>모두</b> · 저 새 · shiitake · ＡＢＣ！ · 👨\u200d👩\u200d👧 가즈아 · HRE 120,000원에 1,000주"
)


@pytest.mark.parametrize("disguise", FORBIDDEN)
def test_a_forbidden_word_is_found(lists: WordFilter, disguise: str) -> None:
    missed = [text for text in FORBIDDEN[disguise].split(" · ") if lists.find(text) is None]
    assert missed == []
    surrounded = [
        text for text in FORBIDDEN[disguise].split(" · ") if lists.find(f"오늘 {text} 진짜") is None
    ]
    assert surrounded == []


def test_harmless_sentences_pass(lists: WordFilter) -> None:
    refused = {text: found for text in HARMLESS.split(" · ") if (found := lists.find(text)) is not None}
    assert refused == {}


def test_every_entry_of_the_lists_finds_itself(lists: WordFilter) -> None:
    entries = [word for name in FORBIDDEN_LISTS for word in list_words(name)]
    assert len(entries) > 250
    assert [word for word in entries if lists.find(word.lstrip("^=")) is None] == []
    assert len(set(entries)) == len(entries), "an entry stands in the lists twice"


def test_where_an_entry_is_looked_for() -> None:
    assert WordFilter(["가나"]).find("다가나라") == "가나"
    assert WordFilter(["^가나"]).find("다가나라") is None
    assert WordFilter(["^가나"]).find("다 가나라") == "가나"
    assert WordFilter(["=가나"]).find("가나라") is None
    assert WordFilter(["=abc"]).find("x abc다") == "abc"
    assert WordFilter(["=abc"]).find("abcd") is None
    assert WordFilter(["가나"], ["다가나"]).find("다가나라 그리고 가나") == "가나"
    assert WordFilter(["가나"], ["다가나"]).find("다가나라") is None
    assert WordFilter(["", "^", "=", " "]).find("^ = 아무 말") is None
    assert WordFilter([]).find("시발") is None


def test_fold_and_compose() -> None:
    assert fold("ＦÜＣＫ\u200b ㅋㅋ \u1100\u1162\u1106\u1175 ﾵￂ") == "fuck ㅋㅋ 개미 ㅅㅏ"
    assert compose("ㅅㅣㅂㅏㄹ ㅋㅋ 시ㅂㅏㄹ 값ㅇㅣ ㅗㅗ") == "시발 ㅋㅋ 시발 값이 ㅗㅗ"
    assert compose("시바ㄹㅏ") == "시바라"


def test_long_texts_of_awkward_letters_are_answered_at_once(lists: WordFilter) -> None:
    # An expression that goes back and forth would take minutes here, and the test's own time-out tells.
    for text in (
        "시" + "이" * 800,
        "씨" * 800,
        "f " * 400,
        "a" * 800,
        "ㅅㅣ" * 400,
        "개 " * 400,
        "!1|l" * 200,
        "ㅅ1" * 400,
    ):
        lists.find(text)
