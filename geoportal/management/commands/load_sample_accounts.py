"""`manage.py load_sample_accounts`: one account for each role, with the passwords generated for this instance."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from geoportal.models import User
from geoportal.runtime.places import LOGINS, Places
from layers.rights import PLANNERS, PROFESSIONALS, ROLES, STEWARDS, TECHNICIANS

_GROUPS = {
    "curatore": STEWARDS,
    "pianificatore": PLANNERS,
    "tecnico": TECHNICIANS,
    "professionista": PROFESSIONALS,
}


class Command(BaseCommand):
    """Creates what is missing; an account that exists keeps its password and its groups."""

    help = "Creates the sample log-ins (one for each role) of an instance of make run."
    requires_system_checks = []  # `migrate` runs them at each start; they load every page and 140 MB with them

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        places = Places(settings.VAR_DIR)
        for role in ROLES:
            Group.objects.get_or_create(name=role)
        for name in LOGINS:
            if User.objects.filter(username=name).exists():
                continue
            try:
                password = places.secret(f"login-{name}")
            except OSError as error:
                raise CommandError(
                    f"{places.secret_file(f'login-{name}')} is missing: make run generates it"
                ) from error
            administrator = name not in _GROUPS
            user = User.objects.create_user(name, password=password, is_staff=administrator, is_superuser=administrator)
            if not administrator:
                user.groups.add(Group.objects.get(name=_GROUPS[name]))
        self.stdout.write(f"Sample log-ins: {', '.join(LOGINS)}")
