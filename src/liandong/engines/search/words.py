"""How texts and questions are cut into words, alike in every index."""

from collections.abc import Iterable, Iterator, Sequence

import rjieba

from liandong.kernel.text import is_chinese, is_cjk


def jieba_words(parts: Iterable[Sequence[str]]) -> list[str]:
    """Words of unbroken runs: Chinese ones cut by jieba, others whole."""
    words: list[str] = []
    chinese: list[str] = []
    for run in parts:
        if is_chinese(run):
            chinese += run
        else:
            words += [unit for unit in run if not is_cjk(unit)]
            chinese += [unit if is_cjk(unit) else "\n" for unit in run]
        chinese.append("\n")
    words += [word for word in rjieba.cut("".join(chinese)) if not word.isspace()]
    return words


def pieces(run: Sequence[str]) -> list[list[str]]:
    """Parts of a run that must occur: words of jieba, lone characters joined to a neighbour."""
    found: list[list[str]] = []
    lone = False  # the first piece is one character that waits for the next
    for units in _cut(run):
        if found and (lone or (len(units) == 1 and is_cjk(units[0]))):
            found[-1] += units
        else:
            found.append(units)
        lone = len(found) == 1 and len(found[0]) == 1 and is_cjk(found[0][0])
    return found


def _cut(run: Sequence[str]) -> Iterator[list[str]]:
    chinese = ""
    for unit in [*run, ""]:
        if unit and is_cjk(unit):
            chinese += unit
            continue
        for word in rjieba.cut(chinese) if chinese else ():
            yield list(word)
        chinese = ""
        if unit:
            yield [unit]
