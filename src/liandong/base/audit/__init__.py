"""The audit (审计): rows that are only added, chained, sealed daily, and checked by anyone."""

from .heads import digest_of
from .queries import Seen, act_word, was_shown, who_has_seen
from .writing import Act, UnknownAct, plain, record_act, record_acts

__all__ = [
    "Act",
    "Seen",
    "UnknownAct",
    "act_word",
    "digest_of",
    "plain",
    "record_act",
    "record_acts",
    "was_shown",
    "who_has_seen",
]
