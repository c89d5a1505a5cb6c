"""The index of words of cases: which cases of a block have a pair of characters."""

from typing import Final

from django.db import models

BLOCK: Final = 10_000  # keys of cases that are indexed together; a place in one fits two bytes


class WordPair(models.Model):
    """Cases of one block whose title or place has this pair of characters; see queries/words.py.

    A finished block has a row of the pair "" as well, with no cases.
    """

    pair = models.CharField(max_length=2)  # two characters in lower case
    block = models.PositiveIntegerField()  # key of the case // BLOCK
    places = models.BinaryField()  # key % BLOCK, two bytes each, little-endian, ascending

    class Meta:
        ordering = ["pair", "block"]
        constraints = [models.UniqueConstraint(fields=["pair", "block"], name="word_pair_once")]

    def __str__(self) -> str:
        return f"{self.pair} {self.block}"
