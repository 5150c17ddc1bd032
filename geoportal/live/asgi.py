"""What the server loads: Django's models and settings, then the live application."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "geoportal.settings")
django.setup()

from geoportal.live.app import LiveApp  # noqa: E402

application = LiveApp()
