"""The engines that settings name: one instance per role and process, made when first asked for."""

import threading
from collections.abc import Mapping
from typing import Any, Literal, overload

from django.conf import settings
from django.utils.module_loading import import_string

from liandong.kernel import ports

Role = Literal[
    "search",
    "blobs",
    "evidence",
    "compute",
    "reader",
    "identifier",
    "antivirus",
    "package_validator",
    "cipher",
    "vault",
    "keyring",
    "signer",
    "time_stamper",
    "redactor",
    "messenger",
    "texter",
]

_made: dict[str, tuple[object, Any]] = {}  # by role: the setting it was made from, the engine
_making = threading.RLock()


@overload
def engine(role: Literal["search"]) -> ports.SearchEngine: ...
@overload
def engine(role: Literal["blobs"]) -> ports.BlobStore: ...
@overload
def engine(role: Literal["evidence"]) -> ports.BlobStore: ...
@overload
def engine(role: Literal["compute"]) -> ports.Compute: ...
@overload
def engine(role: Literal["reader"]) -> ports.Reader: ...
@overload
def engine(role: Literal["identifier"]) -> ports.Identifier: ...
@overload
def engine(role: Literal["antivirus"]) -> ports.VirusScanner: ...
@overload
def engine(role: Literal["messenger"]) -> ports.Messenger: ...
@overload
def engine(role: Literal["texter"]) -> ports.Texter: ...
@overload
def engine(role: Literal["package_validator"]) -> Any: ...
@overload
def engine(role: Literal["cipher"]) -> ports.Cipher: ...
@overload
def engine(role: Literal["vault"]) -> ports.KeyVault: ...
@overload
def engine(role: Literal["keyring"]) -> ports.KeyRing: ...
@overload
def engine(role: Literal["signer"]) -> ports.Signer: ...
@overload
def engine(role: Literal["time_stamper"]) -> ports.TimeStamper: ...
@overload
def engine(role: Literal["redactor"]) -> ports.Redactor: ...
def engine(role: Role) -> Any:
    """The engine of this role, as `settings.ENGINES[role]` names it: a class and its options.

    The same one for the life of the process, unless the setting changes (tests).  Raises KeyError
    for a role that settings do not name, ImportError for a class that is not there.
    """
    wanted: Mapping[str, Any] = settings.ENGINES[role]
    with _making:
        known = _made.get(role)
        if known is not None and known[0] == wanted:
            return known[1]
        if known is not None:
            _close(known[1])
        made = import_string(wanted["class"])(**wanted.get("options", {}))
        _made[role] = (dict(wanted), made)
        return made


def close_engines() -> None:
    """Stop workers and let go of files; the next `engine` makes anew."""
    with _making:
        for _, made in _made.values():
            _close(made)
        _made.clear()


def _close(made: Any) -> None:
    if hasattr(made, "close"):  # not every port has something to stop
        made.close()
