"""Accounts. Rights come from groups and from `layers.rights`; the model only leaves room to grow."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person or a program that signs in. Roles are the groups named in `layers.rights`."""
