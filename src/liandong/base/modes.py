"""How a person wants pages shown: theme, size, contrast, language.  One signed cookie holds all.

The server renders the modes, so that a page never flashes and needs no script.  Language is a
choice, never guessed from the browser: an office machine with an English system is common, and
the Chinese text is the one that is never incomplete.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Final, Self

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers

COOKIE: Final = "modes"
SALT: Final = "liandong.base.modes"
YEAR_S: Final = 365 * 24 * 3600

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "theme": ("auto", "light", "dark"),
    "size": ("normal", "elder"),
    "contrast": ("normal", "high"),
    "language": ("zh-hans", "en"),
}


@dataclass(frozen=True, slots=True)
class Modes:
    """The four modes; each is one of `CHOICES`, the first one unless chosen."""

    theme: str = "auto"
    size: str = "normal"
    contrast: str = "normal"
    language: str = "zh-hans"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote; whatever is not a choice stays as it is by default."""
        names = [field.name for field in fields(cls)]
        return cls().with_choices(dict(zip(names, text.split("."), strict=False)))

    def with_choices(self, chosen: Mapping[str, str]) -> Self:
        """These modes with every known choice of `chosen` taken over; the rest is ignored."""
        known = {name: chosen[name] for name in CHOICES if chosen.get(name, "") in CHOICES[name]}
        return replace(self, **known)

    def __str__(self) -> str:
        return ".".join(asdict(self).values())


def modes_of(request: HttpRequest) -> Modes:
    """The modes of the person who asks; those by default where the middleware did not run."""
    modes = getattr(request, "modes", None)
    return modes if isinstance(modes, Modes) else Modes()


def keep_modes(response: HttpResponse, modes: Modes, *, secure: bool) -> None:
    """Set the cookie; it lives a year and no script can read it."""
    response.set_signed_cookie(
        COOKIE, str(modes), salt=SALT, max_age=YEAR_S, httponly=True, samesite="Lax", secure=secure
    )


class ModesMiddleware:
    """Sets `request.modes`, activates its language, and names it in the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        text = request.get_signed_cookie(COOKIE, default="", salt=SALT)
        modes = Modes.parse(text or "")
        request.modes = modes  # type: ignore[attr-defined]  # read back by `modes_of` only
        request.LANGUAGE_CODE = modes.language
        with translation.override(modes.language):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", modes.language)
        patch_vary_headers(response, ("Cookie",))
        return response
