"""The WSGI application that granian serves; it does not start on a database of another release.

What the start loads stays as long as the process does: the collector of garbage need not look at
it again, and what a page makes goes by counting.  Looked at after every 700 objects, as Python
does by default, it took a fifth of the time of a page.
"""

import gc
import os
from typing import Final

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

OBJECTS: Final = 20_000  # made and not yet gone, before the collector looks at the youngest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liandong.site.settings")
application = get_wsgi_application()

from liandong.base.schema import refuse_other_schema  # noqa: E402 - rooms are there from here on

refuse_other_schema()
get_resolver().url_patterns  # noqa: B018 - loads every view now, not with the first request
gc.collect()
gc.freeze()
gc.set_threshold(OBJECTS, 10, 10)
