"""Which parts of a line are read again, and what becomes of the line."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from liandong.engines.reading.recognition.doubt import MOST, NEIGHBOURS, read_doubtful
from liandong.engines.reading.recognition.models import Pixels
from liandong.engines.reading.recognition.transcription import Letter, Transcript

WIDE = 10  # pixels of a letter on these strips


def strip_of(text: str) -> Pixels:
    """A strip on which every letter is a block of its own shade."""
    shades = np.repeat(np.array([ord(letter) for letter in text], np.uint8), WIDE)
    return np.broadcast_to(shades[None, :, None], (4, len(shades), 3)).copy()


def quick(text: str, sure: Sequence[float]) -> Transcript:
    """The first reading of a line: as many letters as on its strip, some wrong or unsure."""
    return Transcript(
        tuple(
            Letter(letter, confidence, (at + 0.5) / len(text))
            for at, (letter, confidence) in enumerate(zip(text, sure, strict=True))
        )
    )


class Careful:
    """Reads what is on a strip without a fault, and notes how much it was given to read."""

    def __init__(self) -> None:
        self.widths: list[int] = []

    def __call__(self, strip: Pixels) -> Transcript:
        """The letters that are whole, or nearly so."""
        width = strip.shape[1]
        self.widths.append(width)
        runs = np.split(strip[0, :, 0], np.flatnonzero(np.diff(strip[0, :, 0])) + 1)
        ends = np.cumsum([len(run) for run in runs])
        return Transcript(
            tuple(
                Letter(chr(run[0]), 0.999, (end - len(run) / 2) / width)
                for run, end in zip(runs, ends, strict=True)
                if len(run) > WIDE / 2
            )
        )


TRUTH = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_a_sure_line_is_not_read_again() -> None:
    careful, first = Careful(), quick(TRUTH, [0.99] * 26)
    assert read_doubtful(careful, strip_of(TRUTH), first) is first
    assert careful.widths == []


def test_one_doubtful_letter_is_read_with_its_neighbours_alone() -> None:
    careful = Careful()
    first = quick(TRUTH.replace("M", "?"), [0.99] * 12 + [0.4] + [0.99] * 13)
    assert read_doubtful(careful, strip_of(TRUTH), first).text == TRUTH
    assert careful.widths == [WIDE * (2 * NEIGHBOURS + 1)]


def test_a_gap_as_of_a_missed_letter_is_read_again() -> None:
    careful, said = Careful(), quick(TRUTH, [0.99] * 26).letters
    first = Transcript(tuple(letter for letter in said if letter.text != "M"))
    assert read_doubtful(careful, strip_of(TRUTH), first).text == TRUTH
    assert len(careful.widths) == 1
    assert careful.widths[0] < WIDE * 10


def test_the_ends_of_a_line_have_neighbours_on_one_side() -> None:
    careful = Careful()
    first = quick("?" + TRUTH[1:-1] + "?", [0.4] + [0.99] * 24 + [0.4])
    again = read_doubtful(careful, strip_of(TRUTH), first)
    assert again.text == TRUTH
    assert careful.widths == [WIDE * (NEIGHBOURS + 1)] * 2
    assert again.confidence > 0.98


def test_where_a_neighbour_comes_out_otherwise_the_whole_is_read() -> None:
    careful, sure = Careful(), [0.99] * 12 + [0.4] + [0.99] * 13
    first = quick(TRUTH.replace("J", "!").replace("M", "?"), sure)  # J is the outermost neighbour
    assert read_doubtful(careful, strip_of(TRUTH), first).text == TRUTH
    assert careful.widths == [WIDE * (2 * NEIGHBOURS + 1), WIDE * 26]


def test_a_line_of_doubts_is_read_once_and_whole() -> None:
    careful = Careful()
    assert read_doubtful(careful, strip_of(TRUTH), quick("?" * 26, [0.4] * 26)).text == TRUTH
    assert careful.widths == [WIDE * 26]


def test_a_part_in_which_nothing_is_read_gives_the_whole() -> None:
    widths = []

    def blind(strip: Pixels) -> Transcript:
        widths.append(strip.shape[1])
        return Transcript() if strip.shape[1] < WIDE * 26 else quick(TRUTH, [0.9] * 26)

    first = quick(TRUTH, [0.99] * 12 + [0.4] + [0.99] * 13)
    assert read_doubtful(blind, strip_of(TRUTH), first).text == TRUTH
    assert widths == [WIDE * (2 * NEIGHBOURS + 1), WIDE * 26]


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_every_doubtful_letter_is_read_by_the_careful_one(doubts: list[bool]) -> None:
    text = "".join(chr(65 + at % 60) for at in range(len(doubts)))
    said = "".join("?" if doubt else letter for letter, doubt in zip(text, doubts, strict=True))
    careful = Careful()
    again = read_doubtful(
        careful, strip_of(text), quick(said, [0.3 if doubt else 0.99 for doubt in doubts])
    )
    assert again.text == text
    places = [letter.place for letter in again.letters]
    assert places == sorted(places)
    assert sum(careful.widths) <= (1 + MOST) * WIDE * len(text) + 1
