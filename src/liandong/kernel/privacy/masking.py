"""Masks: what is left to see of personal information.  A mask is as long as the secret.

So boxes and offsets of a line stay valid.  Masking again changes nothing, and a masked text holds
no hit of the same kind any more.  Blanks, hyphens and line ends of a number stay where they are.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from .addresses import kept_length
from .folding import fold
from .kinds import Hit, characters, kinds

MASK = "*"
_SEPARATORS = frozenset(" \u3000\t\n-－–—·•:：.()（）")
_LEAST_HIDDEN = 4  # characters of a short number
_SOLE_TRADER = "92"


def mask(kind: str, text: str) -> str:
    """What is shown of `text`, which is of this kind; of the same length.  Raises KeyError."""
    rule, *numbers = kinds()[kind].mask.split()
    return _RULES[rule](text, *map(int, numbers))


def mask_text(text: str, hits: Iterable[Hit]) -> str:
    """`text` with every hit masked; where hits overlap, what one hides is hidden."""
    letters = list(text)
    for hit in hits:
        shown = mask(hit.kind, text[hit.start : hit.end])
        for at, letter in enumerate(shown, start=hit.start):
            if letter == MASK:
                letters[at] = MASK
    return "".join(letters)


def hides(kind: str, text: str) -> bool:
    """Whether the mask of this kind hides anything of `text`: not of a company's credit code."""
    return mask(kind, text) != text


def _keep(text: str, head: int, tail: int) -> str:
    """The first and last letters and digits; of a short number fewer."""
    places = [at for at, letter in enumerate(text) if letter not in _SEPARATORS]
    while head + tail and len(places) - head - tail < _LEAST_HIDDEN:
        head, tail = (head - 1, tail) if head > tail else (head, tail - 1)
    return _hide(text, places[head : len(places) - tail])


def _hide(text: str, places: Iterable[int]) -> str:
    letters = list(text)
    for at in places:
        letters[at] = MASK
    return "".join(letters)


def hide_all(text: str) -> str:
    """`text` with everything but blanks and line ends hidden."""
    return _hide(text, (at for at, letter in enumerate(text) if letter not in " \n"))


def _none(text: str) -> str:
    return text


def _name(text: str) -> str:
    """The surname stays; of a name with a dot its first part's first character."""
    plain = "".join(letter for letter in text if letter not in _SEPARATORS)
    kept = 2 if plain[:2] in characters("surname_compound").split("|") and len(plain) > 2 else 1
    places = [at for at, letter in enumerate(text) if letter not in _SEPARATORS]
    return _hide(text, places[kept:])


def _address(text: str) -> str:
    kept = kept_length(fold(text))
    return _hide(text, (at for at in range(kept, len(text)) if text[at] not in " \n"))


def _email(text: str) -> str:
    return _hide(text, range(1, re.split("[@＠]", text)[0].__len__()))


def _ipv4(text: str) -> str:
    third = [at for at, letter in enumerate(text) if letter in ".．"][1]
    return _hide(text, (at for at in range(third, len(text)) if text[at] not in ".．"))


def _landline(text: str) -> str:
    """Area code and the last three digits stay; an extension is hidden."""
    number = re.match(r"(?:[(（]?0[0-9０-９]{2,3}[)）]?[\s\-－]{0,2})?", fold(text))
    start = number.end() if number else 0
    rest = re.match("[0-9*]+", fold(text)[start:])
    end = start + (rest.end() if rest else 0)
    hidden = [*range(start, end - 3), *range(end, len(text))]
    return _hide(text, (at for at in hidden if text[at].isalnum()))


def _birth(text: str) -> str:
    return _hide(text, (at for at in range(4, len(text)) if text[at].isdecimal()))


def _sole_trader(text: str) -> str:
    return _keep(text, 2, 2) if fold(text).startswith(_SOLE_TRADER) else text


_RULES: Mapping[str, Callable[..., str]] = {
    "keep": _keep,
    "all": hide_all,
    "none": _none,
    "name": _name,
    "address": _address,
    "email": _email,
    "ipv4": _ipv4,
    "landline": _landline,
    "birth": _birth,
    "sole_trader": _sole_trader,
}
