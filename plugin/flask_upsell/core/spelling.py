"""How texts are looked for: without case and accents, by the beginnings of their words."""

from __future__ import annotations

import re
import unicodedata

#: Characters of a word that are kept.
LONGEST_WORD = 60
#: Of what somebody types, no more words are looked at.
MOST_TYPED = 8
#: Scripts that write no spaces between words: each place in a run of these may be the beginning of one.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]+")
_MOST_PLACES = 24
_WORD = re.compile(r"[^\W_]+")


def folded(text: str) -> str:
    """Without case, accents and the forms of one character: "Crème BRÛLÉE" and "creme brulee" are the same."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join([each for each in plain if not unicodedata.combining(each)])


def words(*texts: str) -> frozenset[str]:
    """The words that a thing is found by."""
    found = set()
    for text in texts:
        for word in _WORD.findall(folded(text)):
            found.add(word[:LONGEST_WORD])
            run = _UNSPACED.search(word)
            if run is not None:
                found.update([word[place:][:LONGEST_WORD] for place in range(min(len(word), _MOST_PLACES))])
    return frozenset(found)


def typed(text: str) -> list[str]:
    """The beginnings of words that somebody types, each once, the longest first."""
    found = dict.fromkeys([word[:LONGEST_WORD] for word in _WORD.findall(folded(text))])
    return sorted(found, key=len, reverse=True)[:MOST_TYPED]


def fits(wanted: list[str], *texts: str) -> bool:
    """Whether each of the `typed` words begins one of a thing's words."""
    there = words(*texts)
    return all(any(word.startswith(each) for word in there) for each in wanted)
