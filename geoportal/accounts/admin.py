"""Accounts in the administration: who may sign in, and with which roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from geoportal.models import User

if TYPE_CHECKING:
    AccountBase = UserAdmin[User]
else:
    AccountBase = UserAdmin  # Django's classes take type arguments in its stubs only


@admin.register(User)
class AccountAdmin(AccountBase):
    """People and programs that sign in. Rights on layers and fields follow from the groups (docs/rights.md)."""

    list_display = ("username", "first_name", "last_name", "roles", "is_superuser", "is_active", "last_login")
    list_filter = ("groups", "is_superuser", "is_active")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=_("ruoli"))
    def roles(self, account: User) -> str:
        return ", ".join(group.name for group in account.groups.all()) or "–"
