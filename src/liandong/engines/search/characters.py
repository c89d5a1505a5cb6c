"""Which characters are variants of which: one table, read once from OpenCC."""

from functools import cache

from opencc import OpenCC

from liandong.kernel.text import Folding

_BLOCKS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF))


@cache
def folding() -> Folding:
    """Folds width, case and marks, and traditional characters to simplified ones.

    Only one character to one character, without regard to words, so that places stay valid.
    """
    letters = [chr(code) for first, last in _BLOCKS for code in range(first, last + 1)]
    simple = OpenCC("t2s").convert("\n".join(letters)).split("\n")
    pairs = zip(letters, simple, strict=True)
    return Folding({one: other for one, other in pairs if len(other) == 1 and one != other})
