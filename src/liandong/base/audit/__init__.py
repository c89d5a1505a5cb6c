"""The audit (审计): rows that are only added, chained, sealed daily, and checked by anyone."""

from .queries import Seen, act_word, who_has_seen
from .writing import Act, UnknownAct, plain, record_act, record_acts

__all__ = [
    "Act",
    "Seen",
    "UnknownAct",
    "act_word",
    "plain",
    "record_act",
    "record_acts",
    "who_has_seen",
]
