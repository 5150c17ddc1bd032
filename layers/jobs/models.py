"""A job: what is asked, how far it is, what came of it."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Job(models.Model):
    """One piece of work for the workers. `layers.jobs.services` is the only writer."""

    class State(models.TextChoices):
        QUEUED = "queued", _("In coda")
        RUNNING = "running", _("In corso")
        DONE = "done", _("Concluso")
        FAILED = "failed", _("Fallito")
        CANCELLED = "cancelled", _("Annullato")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("genere"), max_length=60)
    parameters = models.JSONField(_("parametri"), default=dict, blank=True)
    state = models.CharField(_("stato"), max_length=10, choices=State, default=State.QUEUED)
    progress = models.PositiveSmallIntegerField(_("avanzamento"), default=0)
    """0–100."""
    message = models.CharField(_("messaggio"), max_length=500, blank=True)
    log = models.TextField(_("registro"), blank=True)
    result = models.JSONField(_("risultato"), default=dict, blank=True)
    attempts = models.PositiveSmallIntegerField(_("tentativi"), default=0)
    cancel_requested = models.BooleanField(_("annullamento chiesto"), default=False)
    worker = models.CharField(_("esecutore"), max_length=120, blank=True)
    """host:pid of the worker that has it, while it runs."""
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("utente"), related_name="jobs"
    )
    created_at = models.DateTimeField(_("creato"), default=timezone.now, editable=False)
    started_at = models.DateTimeField(_("iniziato"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finito"), null=True, blank=True)
    heartbeat_at = models.DateTimeField(_("ultimo segno di vita"), null=True, blank=True)

    class Meta:
        app_label = "layers"
        verbose_name, verbose_name_plural = _("lavoro"), _("lavori")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(progress__lte=100), name="job_progress_is_a_percentage"),
        ]
        indexes = [
            models.Index(fields=["created_at"], condition=models.Q(state="queued"), name="job_queue"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.get_state_display()}"

    @property
    def is_over(self) -> bool:
        return self.state in (self.State.DONE, self.State.FAILED, self.State.CANCELLED)
