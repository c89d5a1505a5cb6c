"""The WSGI application that granian serves; it does not start on a database of another release."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liandong.site.settings")
application = get_wsgi_application()

from liandong.base.schema import refuse_other_schema  # noqa: E402 - rooms are there from here on

refuse_other_schema()
