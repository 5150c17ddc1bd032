"""An upload: the files someone brought, and the two jobs that look at them and import them."""

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Upload(models.Model):
    """Files on their way into the catalogue. `layers.publishing.services` is the only writer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="uploads", verbose_name=_("utente"))
    created_at = models.DateTimeField(_("creato"), default=timezone.now, editable=False)
    files = models.JSONField(_("file"), default=list)
    """[{name: as the person knows it, path: under the upload's folder, bytes}], one for each thing to import."""
    inspection = models.ForeignKey("layers.Job", models.SET_NULL, null=True, blank=True, related_name="+")
    publication = models.ForeignKey("layers.Job", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        app_label = "layers"
        verbose_name, verbose_name_plural = _("caricamento"), _("caricamenti")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return ", ".join(str(file["name"]) for file in self.files)[:200]

    @property
    def folder(self) -> Path:
        """Where its files are, until they are in the catalogue or a week old."""
        return Path(settings.VAR_DIR) / "uploads" / str(self.pk)

    @property
    def phase(self) -> str:
        """`inspecting`, `review`, `failed`, `importing`, `done`, `cancelled`: what the person waits for or must do."""
        job = self.publication or self.inspection
        if job is None:
            return "failed"
        if not job.is_over:
            return "importing" if self.publication else "inspecting"
        if self.publication is None:
            return {"done": "review", "cancelled": "cancelled"}.get(job.state, "failed")
        # An import that failed or was called off wrote nothing: the choices can be made again.
        return "done" if job.state == "done" else "review" if self.inspection else "failed"
