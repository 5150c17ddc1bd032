"""What is stored of alerts: rules people edit, alerts, their unchangeable transitions, channels and the outbox."""

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _


class Severity(models.TextChoices):
    """How much an alert presses."""

    WARNING = "warning", _("Avviso")
    CRITICAL = "critical", _("Grave")


class AlertRule(models.Model):
    """When to call people. Evaluated by `alerts.evaluation`, replayed by `alerts.replay`."""

    class Kind(models.TextChoices):
        ALL = "", _("Tutti")
        ACCESS_POINT = "ap", _("Punti di accesso Wi-Fi")
        TOTEM = "totem", _("Totem")

    class Subject(models.TextChoices):
        CAUSE = "cause", _("Una causa fra i riscontri")
        METRIC = "metric", _("Una misura oltre una soglia")
        BLIND = "blind", _("La centrale non riceve")

    slug = models.SlugField(_("codice"), max_length=40, unique=True)
    name_it = models.CharField(_("nome"), max_length=120)
    name_en = models.CharField(_("nome in inglese"), max_length=120, blank=True)
    is_active = models.BooleanField(_("attiva"), default=True)
    kind = models.CharField(_("dispositivi"), max_length=8, choices=Kind, default=Kind.ALL, blank=True)
    subject = models.CharField(_("condizione"), max_length=8, choices=Subject, default=Subject.CAUSE)
    causes = ArrayField(models.CharField(max_length=40), verbose_name=_("cause"), default=list, blank=True)
    """Codes of `monitoring.causes`; the alert holds while one of them is an evidence that weighs."""
    metric = models.CharField(_("misura"), max_length=40, blank=True)
    raise_at = models.FloatField(_("soglia di allarme"), null=True, blank=True)
    clear_at = models.FloatField(_("soglia di rientro"), null=True, blank=True)
    """Below `raise_at` for a value that must not rise, above it for one that must not fall."""
    for_s = models.PositiveIntegerField(_("deve durare (secondi)"), default=120)
    keep_s = models.PositiveIntegerField(_("resta acceso dopo il rientro (secondi)"), default=300)
    min_samples = models.PositiveSmallIntegerField(
        _("campioni almeno"), default=2, validators=[MinValueValidator(2), MaxValueValidator(100)]
    )
    severity = models.CharField(_("gravità"), max_length=8, choices=Severity, default=Severity.WARNING)
    hours_from = models.TimeField(_("dalle ore"), null=True, blank=True)
    hours_to = models.TimeField(_("alle ore"), null=True, blank=True)
    """Local hours in which it may be raised; both empty: always. May pass midnight."""
    weekdays = models.CharField(_("giorni"), max_length=7, default="1234567")
    """ISO weekdays, Monday is 1."""
    repeat_s = models.PositiveIntegerField(_("ripeti ogni (secondi, 0 mai)"), default=14400)
    escalate_s = models.PositiveIntegerField(_("sollecita se non preso in carico (secondi, 0 mai)"), default=3600)
    groups = ArrayField(
        models.CharField(max_length=8, choices=[("feeder", "feeder"), ("cabinet", "cabinet"), ("area", "area")]),
        verbose_name=_("causa comune"),
        default=list,
        blank=True,
    )
    """Sharing one of these, devices lost together are one alert; in the order feeder, cabinet, area."""
    group_share_pct = models.PositiveSmallIntegerField(
        _("quota del gruppo (%)"), default=60, validators=[MinValueValidator(10), MaxValueValidator(100)]
    )
    group_least = models.PositiveSmallIntegerField(
        _("dispositivi almeno"), default=3, validators=[MinValueValidator(2), MaxValueValidator(1000)]
    )
    group_window_s = models.PositiveIntegerField(_("persi entro (secondi)"), default=180)

    class Meta:
        verbose_name, verbose_name_plural = _("regola di allarme"), _("regole di allarme")
        ordering = ["name_it"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(subject="metric")
                | (~models.Q(metric="") & models.Q(raise_at__isnull=False) & models.Q(clear_at__isnull=False)),
                name="metric_rule_is_whole",
            ),
            models.CheckConstraint(condition=models.Q(min_samples__gte=2), name="two_samples_at_least"),
            models.CheckConstraint(
                condition=models.Q(hours_from__isnull=True, hours_to__isnull=True)
                | models.Q(hours_from__isnull=False, hours_to__isnull=False),
                name="hours_are_a_pair",
            ),
        ]

    def __str__(self) -> str:
        return self.name_it


class Alert(models.Model):
    """One trouble from its first sight to its end; of a device, of a group of devices, or of ourselves."""

    class State(models.TextChoices):
        PENDING = "pending", _("In attesa")
        FIRING = "firing", _("Aperto")
        ACKNOWLEDGED = "acknowledged", _("Preso in carico")
        RESOLVED = "resolved", _("Chiuso")

    class Scope(models.TextChoices):
        DEVICE = "device", _("Dispositivo")
        FEEDER = "feeder", _("Linea elettrica")
        CABINET = "cabinet", _("Armadio")
        AREA = "area", _("Area")
        SELF = "self", _("Centrale")

    rule = models.ForeignKey(AlertRule, models.PROTECT, related_name="alerts", verbose_name=_("regola"))
    scope = models.CharField(max_length=8, choices=Scope)
    key = models.CharField(max_length=60, blank=True)
    """`devid` of a device, name of a feeder, cabinet or area; empty for ourselves."""
    device = models.ForeignKey("monitoring.Device", models.SET_NULL, null=True, related_name="alerts")
    severity = models.CharField(_("gravità"), max_length=8, choices=Severity)
    state = models.CharField(_("stato"), max_length=12, choices=State)
    since = models.DateTimeField(_("dal"))
    """Since when the condition holds without interruption."""
    samples = models.PositiveIntegerField(default=0)
    mark = models.CharField(max_length=40, blank=True)
    """The last counted sample: the same one seen twice counts once."""
    clear_since = models.DateTimeField(null=True)
    fired_at = models.DateTimeField(_("aperto il"), null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    resolved_at = models.DateTimeField(_("chiuso il"), null=True)
    notified_at = models.DateTimeField(null=True)
    escalated_at = models.DateTimeField(null=True)
    flips = ArrayField(models.DateTimeField(), default=list)
    """When the condition last came or went, for as long as that can be flapping."""
    is_flapping = models.BooleanField(_("instabile"), default=False)
    suppressed_by = models.ForeignKey("self", models.SET_NULL, null=True, related_name="children")
    """The alert of the common cause: this one is recorded, and nobody is called for it."""
    evidence = models.JSONField(default=dict)
    """What was seen: {code, value, threshold, since} of a device, {lost, total, devids} of a group."""

    class Meta:
        verbose_name, verbose_name_plural = _("allarme"), _("allarmi")
        ordering = ["-since"]
        indexes = [
            models.Index(fields=["device", "-since"], name="alert_by_device"),
            models.Index(fields=["-since"], name="alert_by_time"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "scope", "key"],
                condition=models.Q(resolved_at__isnull=True),
                name="one_open_alert_of_a_kind",
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.scope} {self.key}"


class AlertTransition(models.Model):
    """One step in an alert's life. The database refuses to change or delete it."""

    alert = models.ForeignKey(Alert, models.PROTECT, related_name="transitions")
    at = models.DateTimeField(_("quando"))
    before = models.CharField(max_length=12, blank=True)
    after = models.CharField(max_length=12)
    why = models.CharField(max_length=40)
    """Code of `alerts.texts.REASONS`."""
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    note = models.CharField(max_length=500, blank=True)
    evidence = models.JSONField(default=dict)

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["alert", "at"], name="transition_by_alert")]

    def __str__(self) -> str:
        return f"{self.alert}: {self.why}"


class AlertChannel(models.Model):
    """Where alerts are sent: an e-mail address, or a web address of the operator's allow-list."""

    class Kind(models.TextChoices):
        EMAIL = "email", _("Posta elettronica")
        WEBHOOK = "webhook", _("Webhook")

    name = models.CharField(_("nome"), max_length=80)
    kind = models.CharField(_("genere"), max_length=8, choices=Kind)
    address = models.CharField(_("indirizzo"), max_length=300)
    secret = models.CharField(_("chiave della firma"), max_length=200, blank=True)
    is_active = models.BooleanField(_("attivo"), default=True)
    least_severity = models.CharField(_("da gravità"), max_length=8, choices=Severity, default=Severity.WARNING)
    only_escalations = models.BooleanField(_("solo i solleciti"), default=False)

    class Meta:
        verbose_name, verbose_name_plural = _("canale degli allarmi"), _("canali degli allarmi")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class AlertDelivery(models.Model):
    """The outbox: written in the transition's own transaction, sent later, once for each transition and channel."""

    transition = models.ForeignKey(AlertTransition, models.PROTECT, related_name="deliveries")
    channel = models.ForeignKey(AlertChannel, models.PROTECT, related_name="deliveries")
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    dropped_at = models.DateTimeField(null=True)
    """Given up, or no longer wanted: the alert was found to be part of a common cause while it waited."""
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("invio"), _("invii")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["transition", "channel"], name="one_delivery_each")]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(sent_at__isnull=True, dropped_at__isnull=True),
                name="deliveries_waiting",
            )
        ]
