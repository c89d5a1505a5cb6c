"""The settings of the product with the reader of `readers`; needs this folder on PYTHONPATH."""

from liandong.site.settings import *  # noqa: F403
from liandong.site.settings import ENGINES as _ENGINES
from liandong.site.settings import HOME as _HOME

ENGINES = {
    **_ENGINES,
    "reader": {"class": "readers.TestReader", "options": {"marks": str(_HOME)}},
}
