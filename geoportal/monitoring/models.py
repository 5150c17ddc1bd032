"""What every monitored device has. `wifi.AccessPoint` and `kiosks.Totem` extend `Device` with what is theirs.

Device is a real table (multi-table inheritance): statuses, alerts, maintenance and intervals point at one place.
"""

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from geoportal.monitoring.alerts import models as alert_models
from geoportal.monitoring.commands import models as command_models
from geoportal.monitoring.enrolment_tokens import EnrolmentToken as EnrolmentToken
from geoportal.monitoring.refusals import BrokerDenial as BrokerDenial
from geoportal.monitoring.refusals import BrokerRefusal as BrokerRefusal

devid_validator = RegexValidator(r"^[a-z0-9-]{3,32}$", _("Da 3 a 32 tra lettere minuscole, cifre e trattini."))


class Health(models.TextChoices):
    """What a technician sees. `unknown`: never heard, or we ourselves are not listening."""

    UNKNOWN = "unknown", _("Sconosciuto")
    OK = "ok", _("Funziona")
    PROBLEM = "problem", _("Problema")
    CRITICAL = "critical", _("Guasto")
    MAINTENANCE = "maintenance", _("Manutenzione")


class Device(models.Model):
    """One device in the field. `devid` is its MQTT user name and client id, and never changes."""

    class Kind(models.TextChoices):
        ACCESS_POINT = "ap", _("Punto di accesso Wi-Fi")
        TOTEM = "totem", _("Totem")

    class Lifecycle(models.TextChoices):
        """Installed is not yet active, and removed is not broken (cremona.md §3.3)."""

        PLANNED = "planned", _("Previsto")
        INSTALLED = "installed", _("Installato")
        ACTIVE = "active", _("Attivo")
        SUSPENDED = "suspended", _("Sospeso")
        REMOVED = "removed", _("Dismesso")

    class PositionQuality(models.TextChoices):
        SURVEYED = "surveyed", _("Rilevata")
        SOURCED = "sourced", _("Da fonte pubblica")
        CHECKED = "distance-checked", _("Verificata per distanze")
        APPROXIMATE = "approximate", _("Approssimata")

    devid = models.CharField(_("codice"), max_length=32, unique=True, validators=[devid_validator])
    kind = models.CharField(_("genere"), max_length=8, choices=Kind)
    shard = models.CharField(max_length=2, editable=False)
    """Two hex digits from `topics.shard_of`, fixed at creation."""
    name_it = models.CharField(_("nome"), max_length=120)
    name_en = models.CharField(_("nome in inglese"), max_length=120, blank=True)
    place = models.CharField(_("luogo"), max_length=200, blank=True)
    geom = models.PointField(_("posizione"), srid=32632)
    position_quality = models.CharField(
        _("qualità della posizione"), max_length=20, choices=PositionQuality, default=PositionQuality.APPROXIMATE
    )
    is_sample = models.BooleanField(_("dati di esempio"), default=False)
    lifecycle = models.CharField(_("stato di vita"), max_length=10, choices=Lifecycle, default=Lifecycle.ACTIVE)
    operator = models.CharField(_("gestore"), max_length=120, blank=True)
    cabinet = models.CharField(_("armadio"), max_length=60, blank=True)
    feeder = models.CharField(_("linea elettrica"), max_length=60, blank=True)
    area = models.CharField(_("area"), max_length=60, blank=True)
    interval_s = models.PositiveIntegerField(_("intervallo dei campioni in secondi"), default=30)
    notes = models.TextField(_("note"), blank=True)
    enrolled_at = models.DateTimeField(_("abilitato il"), null=True, editable=False)
    """When it last got credentials. A device that has them and is never heard may believe that it reports."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("dispositivo"), _("dispositivi")
        ordering = ["name_it"]
        constraints = [
            models.CheckConstraint(condition=models.Q(devid__regex=r"^[a-z0-9-]{3,32}$"), name="devid_form"),
            models.CheckConstraint(condition=models.Q(interval_s__gte=1), name="interval_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.name_it} ({self.devid})"


class DeviceStatus(models.Model):
    """The last known state of a device: one small row, written by ingest and monitor only.

    `presence` is what the connection says (birth, will, goodbye); `health` is our judgement, with its evidence.
    """

    class Presence(models.TextChoices):
        NEVER = "never", _("Mai connesso")
        ONLINE = "online", _("Connesso")
        LOST = "lost", _("Connessione persa")
        OFFLINE = "offline", _("Spento regolarmente")

    device = models.OneToOneField(Device, models.CASCADE, primary_key=True, related_name="status")
    presence = models.CharField(max_length=8, choices=Presence, default=Presence.NEVER)
    presence_at = models.DateTimeField(null=True)
    """When the presence last changed, by our clock."""
    presence_why = models.CharField(max_length=200, blank=True)
    boot = models.UUIDField(null=True)
    conn = models.BigIntegerField(null=True)
    """Connection counter of the device: a will with an older one is ignored."""
    conn_seen = models.BigIntegerField(null=True)
    """The connection counter as the monitor last counted it."""
    reconnected_at = ArrayField(models.DateTimeField(), default=list, db_default=[])
    """When it lately connected again, as far back as that can be an unstable connection; by the monitor's looks."""
    last_seen_at = models.DateTimeField(null=True)
    """When anything last arrived, by our clock."""
    sample_at = models.DateTimeField(null=True)
    """Time of the newest sample, by the device's clock unless it is wrong."""
    sample_seq = models.BigIntegerField(null=True)
    clock_bad = models.BooleanField(default=False)
    metrics = models.JSONField(default=dict)
    """The newest sample, keys as in the contract."""
    info = models.JSONField(default=dict)
    """The last description the device gave of itself (model, firmware, capabilities)."""
    health = models.CharField(max_length=12, choices=Health, default=Health.UNKNOWN)
    health_since = models.DateTimeField(auto_now_add=True)
    cause = models.CharField(max_length=40, default="never_seen")
    """Code of the weightiest evidence; texts in `geoportal.monitoring.causes`."""
    evidence = models.JSONField(default=list)
    """[{code, value, threshold, since}], weightiest first."""

    class Meta:
        verbose_name, verbose_name_plural = _("stato del dispositivo"), _("stati dei dispositivi")
        indexes = [models.Index(fields=["health"], name="status_by_health")]


class DeadLetter(models.Model):
    """A message that could not be used: kept with its reason, counted, and acknowledged so that it never returns."""

    topic = models.TextField()
    payload = models.BinaryField()
    """At most the first 4096 bytes."""
    payload_bytes = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=40, db_index=True)
    """Code: bad_topic, unknown_device, wrong_shard, not_json, invalid, too_large, rejected_by_database."""
    detail = models.TextField()
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name, verbose_name_plural = _("messaggio scartato"), _("messaggi scartati")
        ordering = ["-received_at"]


class StateInterval(models.Model):
    """One uninterrupted time of a device in one health for one cause; the open one has no end.

    Availability, history and "since when" are read from here, never guessed from samples.
    """

    device = models.ForeignKey(Device, models.CASCADE, related_name="intervals")
    health = models.CharField(max_length=12, choices=Health)
    cause = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("periodo di stato"), _("periodi di stato")
        ordering = ["-started_at"]
        indexes = [
            models.Index(fields=["device", "started_at"], name="interval_by_device"),
            # Availability asks for the intervals of a period, and old ones are removed by their end.
            models.Index(fields=["ended_at", "started_at"], name="interval_by_end"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["device"], condition=models.Q(ended_at__isnull=True), name="one_open_interval_per_device"
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | models.Q(ended_at__gte=models.F("started_at")),
                name="interval_ends_after_it_starts",
            ),
        ]


class MaintenancePlan(models.Model):
    """Announced work on one device or on all that share something, once or again and again.

    `maintenance.unroll` makes the windows of the days to come from it; judging reads the windows only.
    """

    class Scope(models.TextChoices):
        DEVICE = "device", _("Dispositivo")
        CABINET = "cabinet", _("Armadio")
        FEEDER = "feeder", _("Linea elettrica")
        OPERATOR = "operator", _("Gestore")
        AREA = "area", _("Area")

    class Repeat(models.TextChoices):
        ONCE = "once", _("Una volta")
        DAILY = "daily", _("Ogni giorno")
        WEEKLY = "weekly", _("Ogni settimana")

    scope = models.CharField(_("riguarda"), max_length=8, choices=Scope)
    key = models.CharField(_("quale"), max_length=120)
    """Code of the device, or name of the cabinet, feeder, operator or area."""
    starts_at = models.DateTimeField(_("inizio"))
    ends_at = models.DateTimeField(_("fine"))
    repeat = models.CharField(_("si ripete"), max_length=8, choices=Repeat, default=Repeat.ONCE)
    until = models.DateField(_("fino al giorno"), null=True, blank=True)
    """Last local day on which a repeated one begins; empty: without end."""
    note = models.CharField(_("lavori"), max_length=200, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("piano di manutenzione"), _("piani di manutenzione")
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")),
                name="plan_ends_after_it_starts",
                violation_error_message=_("La fine deve venire dopo l'inizio."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()} {self.key}: {self.starts_at:%d/%m/%Y %H:%M}"


class MaintenanceWindow(models.Model):
    """Work that was announced: while it lasts the device is in maintenance, whatever it reports."""

    plan = models.ForeignKey(
        MaintenancePlan, models.CASCADE, null=True, blank=True, editable=False, related_name="windows"
    )

    device = models.ForeignKey(Device, models.CASCADE, related_name="maintenance", verbose_name=_("dispositivo"))
    starts_at = models.DateTimeField(_("inizio"))
    ends_at = models.DateTimeField(_("fine"))
    note = models.CharField(_("lavori"), max_length=200, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("manutenzione"), _("manutenzioni")
        ordering = ["-starts_at"]
        indexes = [models.Index(fields=["device", "starts_at", "ends_at"], name="maintenance_by_device")]
        constraints = [
            models.UniqueConstraint(fields=["plan", "device", "starts_at"], name="one_window_of_a_plan_at_a_time"),
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")),
                name="maintenance_ends_after_it_starts",
                violation_error_message=_("La fine deve venire dopo l'inizio."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.device}: {self.starts_at:%d/%m/%Y %H:%M}"


class ShardWatch(models.Model):
    """Whether we are listening to a shard; written by the monitor from the heartbeats of ingest."""

    shard = models.CharField(max_length=2, primary_key=True)
    blind_since = models.DateTimeField(null=True)
    """When the last heartbeat came, once it is too old; null while we listen."""
    listening_since = models.DateTimeField(null=True)
    """When listening began again: a device has from here its full time to speak."""
    checked_at = models.DateTimeField()
    """When a monitor last looked; a long time without one is a time in which nobody knows who was listening."""


Alert = alert_models.Alert
AlertRule = alert_models.AlertRule
DeviceAct = command_models.DeviceAct
DeviceCommand = command_models.DeviceCommand
Screenshot = command_models.Screenshot
