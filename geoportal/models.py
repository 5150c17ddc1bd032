"""Accounts. Rights come from groups and from `layers.rights`; the model only leaves room to grow."""

from functools import cached_property

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person or a program that signs in. Roles are the groups named in `layers.rights`."""

    token_id: int | None = None
    """The access token by which the account speaks in this request, if by one."""

    @cached_property
    def group_names(self) -> frozenset[str]:
        """Names of the account's groups, asked once for each object, which lives as long as its request."""
        return frozenset(self.groups.values_list("name", flat=True))


# Django looks for an app's models here; each subject keeps its own beside its code.
from geoportal.accounts.models import AccessToken, FailedAttempts  # noqa: E402

__all__ = ["AccessToken", "FailedAttempts", "User"]
