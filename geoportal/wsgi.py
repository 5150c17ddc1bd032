"""The WSGI application that `manage.py serve` runs: pages, OGC services and APIs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "geoportal.settings")

application = get_wsgi_application()

# Models, and with them everything that reads the database, exist only from here on.
from layers.database import bound_every_statement  # noqa: E402

bound_every_statement()
