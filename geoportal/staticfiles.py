"""Static files under names that hold the hash of their content, so that browsers may keep them for ever."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class HashedStaticFiles(ManifestStaticFilesStorage):
    """Hashed names, also inside our own ES modules; plain names before the first `collectstatic` (tests, a new clone).

    Once files are collected, a name that is not among them is an error: a misspelt file is seen at once.
    """

    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        if not self.hashed_files:
            return self.clean_name(name)
        return str(super().stored_name(name))
