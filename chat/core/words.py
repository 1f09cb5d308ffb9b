"""Finding words that a list forbids in what people write, though they disguise them.

A text is folded first: compatibility forms, accents, look-alike letters and invisible characters give way to plain
letters. Then one expression looks for the list's words in it, letter by letter with what may stand for each (`1` for
`i`), drawn out (`시이발`, `fuuuck`), with something between the letters (`시.발`, `f u c k`), as single jamo
(`ㅅㅣㅂㅏㄹ`) and as Hangul typed on a Latin keyboard (`tlqkf`).

An entry of a list is a word, found wherever it stands, also inside of others. `^` before it: only where a word begins.
`=` before it: only where it is the whole word. A blank in it: written together or apart.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cached_property

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
SYLLABLES_FROM, SYLLABLES_TO = "가", "힣"
BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # letters that show nothing

_INITIAL_OF_A_VOWEL = INITIALS.index("ㅇ")
_FINALS_COUNT = len(FINALS) + 1
_KEYS = dict(
    zip(
        "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣㄳㄵㄶㄺㄻㄼㄽㄾㄿㅀㅄ",
        [
            "r",
            "r",
            "s",
            "e",
            "e",
            "f",
            "a",
            "q",
            "q",
            "t",
            "t",
            "d",
            "w",
            "w",
            "c",
            "z",
            "x",
            "v",
            "g",
            "k",
            "o",
            "i",
            "o",
            "j",
            "p",
            "u",
            "p",
            "h",
            "hk",
            "ho",
            "hl",
            "y",
            "n",
            "nj",
            "np",
            "nl",
            "b",
            "m",
            "ml",
            "l",
            "rt",
            "sw",
            "sg",
            "fr",
            "fa",
            "fq",
            "ft",
            "fx",
            "fv",
            "fg",
            "qt",
        ],
        strict=True,
    )
)
_KEYBOARD_LETTERS_MIN = 5
# What looks like a Latin letter and is none: Cyrillic and Greek, in small letters.
_LOOK_ALIKE = str.maketrans("аеіјорсухԁһѕԛԝвкмнтαεικνορτυχβγƒıłøđɡ", "aeijopcyxdhsqwbkmhtaeiknoptuxbyfilodg")
_STANDS_FOR = {
    "a": "a4@", "b": "b8", "e": "e3", "g": "g9", "i": "i1!|l", "l": "l1|", "o": "o0", "s": "s5$", "t": "t7+", "u": "uv",
}  # fmt: skip
# Letters in circles and squares that have no compatibility form, and those of flags: first of each alphabet.
_ENCLOSED_ALPHABETS = (0x1F150, 0x1F170, 0x1F1E6)
_ALPHABET = 26

_SYLLABLE = f"{SYLLABLES_FROM}-{SYLLABLES_TO}"
_BEFORE_WORD = {"hangul": f"(?<![{_SYLLABLE}0-9])", "latin": "(?<![a-z0-9])", "jamo": "(?<![ㄱ-ㅊㅌㅍ])"}
_AFTER_WORD = {"hangul": f"(?![{_SYLLABLE}])", "latin": "(?![a-z0-9])", "jamo": "(?![ㄱ-ㅊㅌㅍ])"}
_BETWEEN = {
    "hangul": f"[^{_SYLLABLE}\\s]{{0,3}}",
    "latin": f"[^a-z{_SYLLABLE}\\s]{{0,2}}",
    "jamo": f"[^{_SYLLABLE}ㄱ-ㅎ\\s]{{0,2}}",
}
_APART = {
    "hangul": f"[^{_SYLLABLE}\\s]{{0,2}}\\s[^{_SYLLABLE}]{{0,2}}",
    "latin": f"[^a-z{_SYLLABLE}\\s]?\\s[^a-z{_SYLLABLE}]?",
    "jamo": f"[^{_SYLLABLE}ㄱ-ㅎ\\s]?\\s[^{_SYLLABLE}ㄱ-ㅎ]?",
}
_JAMO = re.compile("[ㄱ-ㅎㅏ-ㅣ]")
_MEANT_AS_VOWEL = re.compile("(?<=[ㄱ-ㅎ])[1il|!](?=[가-힣ㄱ-ㅎ])")
_PLACEHOLDER = "\N{WHITE SQUARE}"


def _compatibility_jamo() -> dict[str, str]:
    """Return for each jamo of the conjoining block the letter that keyboards give."""
    found = {unicodedata.normalize("NFKC", letter): letter for letter in map(chr, range(0x3131, 0x318F))}
    finals = {chr(0x11A8 + index): final for index, final in enumerate(FINALS)}
    return {joining: letter for joining, letter in {**finals, **found}.items() if letter not in BLANK_LETTERS}


_KEYBOARD_JAMO = _compatibility_jamo()
_HALF_WIDTH_JAMO = {
    chr(code): chr(int(unicodedata.decomposition(chr(code)).split()[1], 16))
    for code in range(0xFFA1, 0xFFDD)
    if unicodedata.decomposition(chr(code))
}


def normalize(text: str, *, form: Callable[[str], str]) -> str:
    """Return the text in a compatibility form that leaves ㅋㅋ and ㅠㅠ the letters they are.

    Unicode's forms turn a letter that stands alone into half a syllable, which fonts show as rubbish.
    """
    parts = re.split("([ㄱ-ㅎㅏ-ㅣ]+)", "".join(_HALF_WIDTH_JAMO.get(letter, letter) for letter in text))
    formed = "".join(part if index % 2 else form(part) for index, part in enumerate(parts))
    return "".join(_KEYBOARD_JAMO.get(letter, letter) for letter in formed)


def fold(text: str) -> str:
    """Return the text in small plain letters: nothing invisible, no accents, no look-alikes."""
    return normalize(text, form=_bare).casefold().translate(_LOOK_ALIKE)


def _bare(text: str) -> str:
    kept = []
    for letter in unicodedata.normalize("NFKD", text):
        if (
            unicodedata.category(letter) in ("Mn", "Me", "Cc", "Cf", "Cs", "Co", "Cn")
            and letter not in "\t\n\r"
        ):
            continue
        if letter in BLANK_LETTERS and not "\u1100" <= letter < "\u1200":
            continue
        first = next((first for first in _ENCLOSED_ALPHABETS if 0 <= ord(letter) - first < _ALPHABET), None)
        kept.append(letter if first is None else chr(ord("a") + ord(letter) - first))
    composed = unicodedata.normalize("NFC", "".join(kept))
    return "".join(letter for letter in composed if letter not in BLANK_LETTERS)


def _syllable(initial: int, vowel: int, final: int = 0) -> str:
    return chr(ord(SYLLABLES_FROM) + (initial * len(VOWELS) + vowel) * _FINALS_COUNT + final)


def _is_syllable(letter: str) -> bool:
    return SYLLABLES_FROM <= letter <= SYLLABLES_TO


def _parts(syllable: str) -> tuple[int, int, int]:
    """Return the numbers of a syllable's initial, vowel and final; 0 is no final."""
    rest, final = divmod(ord(syllable) - ord(SYLLABLES_FROM), _FINALS_COUNT)
    initial, vowel = divmod(rest, len(VOWELS))
    return initial, vowel, final


def compose(text: str) -> str:
    """Return the text with single jamo put together to syllables, as a keyboard would have done."""
    text = _MEANT_AS_VOWEL.sub("ㅣ", text)
    made: list[str] = []
    index = 0
    while index < len(text):
        letter, following = text[index], text[index + 1 : index + 2]
        before_vowel = bool(following) and following in VOWELS
        if letter in INITIALS and before_vowel:
            made.append(_syllable(INITIALS.index(letter), VOWELS.index(following)))
            index += 1
        elif (
            letter in FINALS
            and not before_vowel
            and made
            and _is_syllable(made[-1])
            and not _parts(made[-1])[2]
        ):
            made[-1] = chr(ord(made[-1]) + FINALS.index(letter) + 1)
        else:
            made.append(letter)
        index += 1
    return "".join(made)


def _script(letter: str) -> str:
    if _is_syllable(letter):
        return "hangul"
    return "jamo" if _JAMO.match(letter) else "latin"


def _letter_pattern(letter: str) -> str:
    """Return the expression of one letter, drawn out or written with what stands for it."""
    if _is_syllable(letter):
        initial, vowel, final = _parts(letter)
        longer = _syllable(_INITIAL_OF_A_VOWEL, vowel)
        if not final:
            return f"{letter}{longer}*"
        ends = _syllable(_INITIAL_OF_A_VOWEL, vowel, final)
        return f"(?:{letter}|{_syllable(initial, vowel)}{longer}*{ends})"
    if letter.isascii() and letter.isalpha():
        return f"[{re.escape(_STANDS_FOR.get(letter, letter))}]+"
    return f"{re.escape(letter)}+"


def _keys(word: str) -> str:
    """Return what comes of a Hangul word typed with the keyboard set to Latin letters; empty for any other."""
    if not all(_is_syllable(letter) for letter in word):
        return ""
    keys = ""
    for letter in word:
        initial, vowel, final = _parts(letter)
        keys += _KEYS[INITIALS[initial]] + _KEYS[VOWELS[vowel]] + (_KEYS[FINALS[final - 1]] if final else "")
    return keys


class _Entry:
    """One word that is looked for: which letters it cannot do without, and its expression, made when first needed."""

    def __init__(self, needed: list[str], patterns: list[str]) -> None:
        self.needed = [frozenset(letters) for letters in needed]
        self._patterns = patterns

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The expression that finds it."""
        return re.compile("|".join(self._patterns))


def _needed(letter: str) -> str:
    """Return the letters of which a text that has this one has at least one."""
    if _is_syllable(letter):
        initial, vowel, _final = _parts(letter)
        return letter + _syllable(initial, vowel)
    return _STANDS_FOR.get(letter, letter)


def _entries(listed: str) -> list[_Entry]:
    """Return what is looked for because of one entry of a list."""
    mark, written = (listed[0], listed[1:]) if listed[:1] in ("^", "=") else ("", listed)
    folded = fold(written).strip()
    word = "".join(folded.split())
    if not word:
        return []
    if any(letter in "./" for letter in word):  # an address: as it stands
        return [_Entry(list(word), [re.escape(word)])]
    atoms = [_letter_pattern(letter) for letter in word]
    first, last = _script(word[0]), _script(word[-1])
    begins, ends = _BEFORE_WORD[first], _AFTER_WORD[last]
    together = "".join(atoms)
    if all(_JAMO.match(letter) for letter in word):
        patterns = [f"{begins}(?:{together})+{ends}"]
    else:
        patterns = [(begins if mark else "") + together + (ends if mark == "=" else "")]
    if len(word) > 1:
        patterns.append(
            begins + _BETWEEN[first].join(atoms) + (ends if mark == "=" or first == "jamo" else "")
        )
        patterns.append(begins + _APART[first].join(atoms) + ends)
    if " " in folded:
        patterns.append(begins + r"\s+".join("".join(map(_letter_pattern, part)) for part in folded.split()))
    found = [_Entry([_needed(letter) for letter in word], patterns)]
    keys = _keys(word)
    if len(keys) >= _KEYBOARD_LETTERS_MIN:
        found.append(_Entry(list(keys), [_BEFORE_WORD["latin"] + keys]))
    return found


class WordFilter:
    """A list of words ready to look for: those forbidden, and those in which they do not count."""

    def __init__(self, forbidden: Iterable[str], allowed: Iterable[str] = ()) -> None:
        allowed_words = sorted({fold(word).strip() for word in allowed} - {""}, key=len, reverse=True)
        self._allowed = re.compile("|".join(map(re.escape, allowed_words))) if allowed_words else None
        self._by_first: dict[str, list[_Entry]] = {}
        for listed in dict.fromkeys(forbidden):
            for entry in _entries(listed):
                for letter in entry.needed[0]:
                    self._by_first.setdefault(letter, []).append(entry)

    def find(self, text: str) -> str | None:
        """Return a forbidden word of a text as it is written there (folded), None when there is none."""
        folded = fold(text)
        views = [folded, compose(folded)] if _JAMO.search(folded) else [folded]
        for view in views:
            found = self._find_in(self._allowed.sub(_PLACEHOLDER, view) if self._allowed else view)
            if found is not None:
                return found
        return None

    def _find_in(self, view: str) -> str | None:
        letters = set(view)
        for letter in sorted(letters & self._by_first.keys()):
            for entry in self._by_first[letter]:
                if any(letters.isdisjoint(needed) for needed in entry.needed):
                    continue  # spares most texts all expressions
                for match in entry.expression.finditer(view):
                    if _is_word(match[0]):
                        return match[0]
        return None


def _is_word(found: str) -> bool:
    """Return whether most of what was found is letters: `455` is a price."""
    written = [letter for letter in found if not letter.isspace()]
    letters = sum(letter.isalpha() for letter in written)
    return not found.isascii() or letters * 2 > len(written)
