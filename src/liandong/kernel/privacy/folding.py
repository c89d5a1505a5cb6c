"""Text as the detectors read it: half width, plain dashes and blanks, of the same length."""


class _Folding(dict[int, int]):
    """A table for `str.translate` that learns the characters it leaves alone."""

    def __missing__(self, code: int) -> int:
        self[code] = code
        return code


_FULL_WIDTH_LEFT_ALONE = "，；。"  # marks of a sentence, which separate values
_TABLE = _Folding(
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys(map(ord, "‐‑‒–—―−﹣"), ord("-"))
    | dict.fromkeys(
        map(
            ord, "\u3000\xa0\u2002\u2003\u2009\u202f\t\r\v\f\0\u200b\u200c\u200d\u2060\ufeff\u00ad"
        ),
        ord(" "),
    )
    | dict.fromkeys(map(ord, "•‧・∙⋅･․●"), ord("·"))
    | {ord("×"): ord("X"), ord("Х"): ord("X"), ord("﹕"): ord(":"), ord("∶"): ord(":")}
    | {ord(mark): ord(mark) for mark in _FULL_WIDTH_LEFT_ALONE}
)


def fold(text: str) -> str:
    """`text` in half width, of the same length, so that offsets stay valid; line ends stay."""
    return text.translate(_TABLE)


_DIGITS_FOR = str.maketrans("OolIiB", "001118")  # what a reader takes for a digit
_LETTERS_FOR = str.maketrans("OI", "01")  # in an alphabet that has neither


def as_digits(text: str) -> str:
    """`text` with the letters that recognition confuses with digits as those digits."""
    return text.translate(_DIGITS_FOR)


def without_o_and_i(text: str) -> str:
    """`text` with O and I as digits: credit codes and plates have no such letters."""
    return text.translate(_LETTERS_FOR)
