"""No gateway: messages are written to a file, with the number masked, so that one sees them."""

from collections.abc import Sequence
from pathlib import Path

from liandong.kernel.ports import Reply, ShortMessage

NAME = "sms.log"


def masked(phone: str) -> str:
    """The last two digits of a number, the rest as stars."""
    return "*" * max(len(phone) - 2, 0) + phone[-2:]


class KeptTexts:
    """The texter of an installation without a gateway: nothing leaves the house."""

    def __init__(self, *, folder: Path | str) -> None:
        self._file = Path(folder) / NAME

    def send(self, texts: Sequence[ShortMessage]) -> list[Reply]:
        """Append one line for each; a full disk is a reply."""
        lines = [f"{one.id} {masked(one.phone)} {' '.join(one.text.split())}\n" for one in texts]
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._file.open("a", encoding="utf-8") as out:
                out.writelines(lines)
        except OSError as error:
            return [Reply(0, type(error).__name__) for _ in texts]
        return [Reply(200) for _ in texts]
