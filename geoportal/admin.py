"""Django looks for an app's administration here; each subject keeps its own beside its code."""

from geoportal.accounts.admin import AccountAdmin

__all__ = ["AccountAdmin"]
