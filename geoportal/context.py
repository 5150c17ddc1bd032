"""What every page of the site knows."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from geoportal.models import User
from layers.rights import TECHNICIANS, audience_of, is_steward


def site(request: HttpRequest) -> dict[str, Any]:
    """Names, links of the navigation, and whether the technicians' pages are open to the asker."""
    user = getattr(request, "user", AnonymousUser())
    return {
        "is_technician": is_technician(user),
        "is_steward": is_steward(user),
        "accessibility_url": settings.ACCESSIBILITY_URL,
    }


def is_technician(user: User | AnonymousUser) -> bool:
    """Technicians and administrators. No query for who is not signed in."""
    audience = audience_of(user)
    return audience.sees_all or TECHNICIANS in audience.groups
