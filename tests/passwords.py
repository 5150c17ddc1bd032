"""Password hashes for tests: of the usual kind, so that the product's own processes can check them, but quick."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """One round where the real one takes a third of a second."""

    iterations = 1
