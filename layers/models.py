"""What the catalogue stores: themes, layers, their fields and their styles.

A layer is a row that names a table or view in the schema `geodata`, or a raster file. Everything a service needs to
serve it stands here, so that publishing a layer is a write to these tables and never a restart.
"""

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from layers.metadata import codes

slug_validator = RegexValidator(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", _("Solo lettere minuscole, cifre e trattini."))
column_validator = RegexValidator(r"^[a-z_][a-z0-9_]*$", _("Solo lettere minuscole, cifre e trattini bassi."))


class Access(models.TextChoices):
    """Who may see a layer or a field. `layers.rights` is the one place that decides by it."""

    PUBLIC = "public", _("Pubblico")
    PROFESSIONAL = "professional", _("Professionisti")
    INTERNAL = "internal", _("Interno")
    RESTRICTED = "restricted", _("Riservato ai gruppi indicati")


class Bilingual(models.Model):
    """Title in Italian (required) and English (falls back to the Italian)."""

    title_it = models.CharField(_("titolo"), max_length=200)
    title_en = models.CharField(_("titolo in inglese"), max_length=200, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        return (self.title_en if get_language() == "en" else "") or self.title_it


class Theme(Bilingual):
    """A branch of the layer tree."""

    slug = models.CharField(max_length=63, unique=True, validators=[slug_validator])
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    position = models.PositiveIntegerField(_("ordine"), default=0)
    access = models.CharField(
        _("accesso"),
        max_length=12,
        choices=Access,
        default=Access.PUBLIC,
        help_text=_("Vale per tutti i livelli e i sottotemi: di più regole decide la più stretta."),
    )
    groups = models.ManyToManyField(Group, blank=True, verbose_name=_("gruppi"), related_name="themes")
    stewards = models.ManyToManyField(
        Group,
        blank=True,
        verbose_name=_("gruppi che lo curano"),
        related_name="kept_themes",
        help_text=_(
            "Solo i curatori di questi gruppi ne curano i livelli. Vuoto: come il tema sopra, o ogni curatore."
        ),
    )

    class Meta:
        verbose_name, verbose_name_plural = _("tema"), _("temi")
        ordering = ["position", "title_it"]


class Layer(Bilingual):
    """One layer: what it is, where its data is, how it is described, who may see it."""

    class Kind(models.TextChoices):
        VECTOR = "vector", _("Tabella o vista")
        RASTER = "raster", _("Raster")
        REMOTE = "remote", _("Servizio di un altro ente")

    class Frequency(models.TextChoices):
        """EU authority table `frequency`, the part a municipality uses."""

        CONT = "CONT", _("Continuo")
        DAILY = "DAILY", _("Giornaliero")
        WEEKLY = "WEEKLY", _("Settimanale")
        MONTHLY = "MONTHLY", _("Mensile")
        QUARTERLY = "QUARTERLY", _("Trimestrale")
        ANNUAL = "ANNUAL", _("Annuale")
        IRREG = "IRREG", _("Irregolare")
        AS_NEEDED = "AS_NEEDED", _("Quando occorre")
        NOT_PLANNED = "NOT_PLANNED", _("Non previsto")
        UNKNOWN = "UNKNOWN", _("Non noto")

    slug = models.CharField(max_length=63, unique=True, validators=[slug_validator])
    kind = models.CharField(_("genere"), max_length=8, choices=Kind, default=Kind.VECTOR)
    theme = models.ForeignKey(
        Theme, models.PROTECT, null=True, blank=True, related_name="layers", verbose_name=_("tema")
    )
    position = models.PositiveIntegerField(_("ordine"), default=0)

    # Where a vector layer's data is. Names come from the import or from an administrator, never from a request.
    table_name = models.CharField(_("tabella"), max_length=63, blank=True, validators=[column_validator])
    id_field = models.CharField(_("campo identificativo"), max_length=63, default="fid", validators=[column_validator])
    geometry_field = models.CharField(
        _("campo geometria"), max_length=63, default="geom", blank=True, validators=[column_validator]
    )
    tile_geometry_field = models.CharField(
        _("campo geometria in EPSG:3857"),
        max_length=63,
        blank=True,
        validators=[column_validator],
        help_text=_("Una copia della geometria in EPSG:3857 tenuta dal database; vuoto: calcolata a ogni tessera."),
    )
    geometry_type = models.CharField(_("tipo di geometria"), max_length=24, blank=True)
    """OGC name as PostGIS gives it (POINT, MULTIPOLYGON, GEOMETRY …), empty for a table without geometry."""
    has_z = models.BooleanField(_("ha quote"), default=False)
    srid = models.PositiveIntegerField(_("EPSG"), null=True, blank=True)
    time_field = models.CharField(_("campo data"), max_length=63, blank=True)
    is_live = models.BooleanField(_("in tempo reale"), default=False)
    """A view over data that changes without bumping `data_version` (device status): never cached."""

    # Where a raster layer's data is.
    raster_path = models.CharField(_("file raster"), max_length=255, blank=True)
    """Relative to settings.RASTER_DIR."""
    raster_info = models.JSONField(_("caratteristiche del raster"), default=dict, blank=True)
    """width, height, resolution, nodata, bands[{dtype, min, max, mean, std, description, colormap}]."""

    # What is known of the data.
    feature_count = models.PositiveBigIntegerField(_("elementi"), null=True, blank=True)
    bbox = ArrayField(models.FloatField(), size=4, null=True, blank=True)
    """west, south, east, north in OGC:CRS84 degrees."""
    storage_bbox = ArrayField(models.FloatField(), size=4, null=True, blank=True)
    """minx, miny, maxx, maxy in the storage CRS, easting or longitude first."""
    data_version = models.PositiveBigIntegerField(default=1, editable=False)
    """Raised by every change of the data; part of every tile URL and ETag."""
    data_updated_at = models.DateTimeField(_("dati aggiornati il"), null=True, blank=True)
    history_days = models.PositiveIntegerField(
        _("giorni di storia"),
        null=True,
        blank=True,
        help_text=_("Per quanti giorni tenere gli stati passati; 0: per sempre; vuoto: come dice l'installazione."),
    )
    source_file = models.CharField(_("file di origine"), max_length=255, blank=True)
    is_sample = models.BooleanField(_("dati di esempio"), default=False)

    # How it is described.
    abstract_it = models.TextField(_("descrizione"), blank=True)
    abstract_en = models.TextField(_("descrizione in inglese"), blank=True)
    keywords = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    licence = models.CharField(_("licenza"), max_length=40, default="CC-BY-4.0")
    attribution = models.CharField(_("attribuzione"), max_length=255, blank=True, default="Comune di Cremona")
    steward_office = models.CharField(_("ufficio responsabile"), max_length=200, blank=True)
    contact_email = models.EmailField(_("contatto"), blank=True)
    lineage = models.TextField(_("provenienza"), blank=True)
    update_frequency = models.CharField(
        _("frequenza di aggiornamento"), max_length=12, choices=Frequency, default=Frequency.UNKNOWN
    )
    review_on = models.DateField(_("da rivedere il"), null=True, blank=True)
    inspire_theme = models.CharField(_("tema INSPIRE"), max_length=2, choices=codes.inspire_choices, blank=True)
    topic_category = models.CharField(
        _("categoria ISO"),
        max_length=40,
        choices=codes.topic_choices,
        blank=True,
        help_text=_("ISO 19115, MD_TopicCategoryCode"),
    )
    accuracy_m = models.FloatField(
        _("accuratezza posizionale (m)"), null=True, blank=True, validators=[MinValueValidator(0)]
    )
    scale_denominator = models.PositiveIntegerField(
        _("scala di riferimento, 1:"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    use_limitation = models.TextField(_("limiti d'uso"), blank=True)

    # How it is shown.
    shown_by_default = models.BooleanField(_("acceso all'apertura"), default=False)
    min_zoom = models.PositiveSmallIntegerField(_("zoom minimo"), default=0)
    max_zoom = models.PositiveSmallIntegerField(_("zoom massimo"), default=22)

    # Who may see it.
    access = models.CharField(_("accesso"), max_length=12, choices=Access, default=Access.PUBLIC)
    groups = models.ManyToManyField(Group, blank=True, verbose_name=_("gruppi"), related_name="layers")
    is_published = models.BooleanField(_("pubblicato"), default=True)
    is_editable = models.BooleanField(
        _("modificabile dai servizi"),
        default=False,
        help_text=_("Amministratori e curatori ne possono scrivere gli elementi, anche da QGIS."),
    )

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name, verbose_name_plural = _("livello"), _("livelli")
        ordering = ["position", "title_it"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="raster", raster_path__gt="")
                | models.Q(kind="vector", table_name__gt="")
                | models.Q(kind="remote"),
                name="layer_has_its_store",
            ),
            models.CheckConstraint(
                condition=models.Q(geometry_type="") | models.Q(srid__isnull=False), name="layer_with_geometry_has_srid"
            ),
        ]

    @property
    def abstract(self) -> str:
        return (self.abstract_en if get_language() == "en" else "") or self.abstract_it


class Field(Bilingual):
    """One attribute of a vector layer. Only fields that stand here, visible and allowed, ever leave the database."""

    class Type(models.TextChoices):
        STRING = "string", _("Testo")
        INTEGER = "integer", _("Intero")
        NUMBER = "number", _("Numero")
        BOOLEAN = "boolean", _("Vero o falso")
        DATE = "date", _("Data")
        DATETIME = "datetime", _("Data e ora")
        JSON = "json", _("Struttura")

    class SearchRole(models.TextChoices):
        """What the search reads a field as."""

        TEXT = "text", _("Testo")
        NAME = "name", _("Nome dell'elemento")
        STREET = "street", _("Nome della strada")
        NUMBER = "number", _("Numero civico")
        EXPONENT = "exponent", _("Esponente del civico")
        SHEET = "sheet", _("Foglio catastale")
        PARCEL = "parcel", _("Particella catastale")
        REFERENCE = "reference", _("Riferimento catastale nazionale")

    layer = models.ForeignKey(Layer, models.CASCADE, related_name="fields")
    name = models.CharField(_("colonna"), max_length=63, validators=[column_validator])
    source_name = models.CharField(_("nome di origine"), max_length=255, blank=True)
    type = models.CharField(_("tipo"), max_length=8, choices=Type)
    unit = models.CharField(_("unità"), max_length=20, blank=True)
    codes = models.JSONField(
        _("elenco di codici"),
        default=list,
        blank=True,
        help_text=_("I valori ammessi e il loro significato, uno per riga: codice = italiano | inglese."),
    )
    position = models.PositiveIntegerField(_("ordine"), default=0)
    is_visible = models.BooleanField(_("visibile"), default=True)
    is_filterable = models.BooleanField(_("filtrabile"), default=True)
    is_searchable = models.BooleanField(_("cercabile"), default=False)
    search_role = models.CharField(
        _("ruolo nella ricerca"),
        max_length=10,
        choices=SearchRole,
        blank=True,
        help_text=_("Vuoto: si capisce dal nome della colonna."),
    )
    access = models.CharField(_("accesso"), max_length=12, choices=Access, default=Access.PUBLIC)

    class Meta:
        verbose_name, verbose_name_plural = _("campo"), _("campi")
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["layer", "name"], name="field_name_once_per_layer")]


class Style(Bilingual):
    """A thematic style of a layer, in the model of `layers.styles.model`, from which every renderer is compiled."""

    layer = models.ForeignKey(Layer, models.CASCADE, related_name="styles")
    name = models.CharField(max_length=63, validators=[slug_validator])
    is_default = models.BooleanField(_("predefinito"), default=True)
    spec = models.JSONField(_("definizione"))

    class Meta:
        verbose_name, verbose_name_plural = _("stile"), _("stili")
        ordering = ["-is_default", "name"]
        constraints = [
            models.UniqueConstraint(fields=["layer", "name"], name="style_name_once_per_layer"),
            models.UniqueConstraint(
                fields=["layer"], condition=models.Q(is_default=True), name="one_default_style_per_layer"
            ),
        ]


class CatalogueVersion(models.Model):
    """A single row, raised by database triggers on any change of the tables above; NOTIFY "catalogue" carries it.

    Every process keeps the catalogue in memory under this number: see `layers.catalogue`.
    """

    version = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_catalogue_version")]

    def __str__(self) -> str:
        return str(self.version)


def geodata_identifier(table_name: str) -> tuple[str, str]:
    """Schema and table of a layer's data, to be quoted by `psycopg2.sql.Identifier(*…)`."""
    return settings.GEODATA_SCHEMA, table_name


# Django looks for an app's models here; each subject keeps its own beside its code.
from layers.audit.models import DeletedLayer, ReadOfRestricted  # noqa: E402
from layers.importing.models import ImportOutcome, ImportRun  # noqa: E402
from layers.jobs.models import Job  # noqa: E402
from layers.overviews.models import TileOverview  # noqa: E402
from layers.publishing.models import Upload  # noqa: E402
from layers.relations.models import Relation  # noqa: E402
from layers.search.models import SearchEntry, SearchIndex, SearchWish, SearchWord  # noqa: E402
from layers.sources.models import Source, SourceState  # noqa: E402
from layers.versions.models import LayerGeneration, LayerVersion, RasterState  # noqa: E402

__all__ = [
    "Access",
    "CatalogueVersion",
    "DeletedLayer",
    "Field",
    "ImportOutcome",
    "ImportRun",
    "Job",
    "Layer",
    "LayerGeneration",
    "LayerVersion",
    "RasterState",
    "ReadOfRestricted",
    "Relation",
    "SearchEntry",
    "SearchIndex",
    "SearchWish",
    "SearchWord",
    "Source",
    "SourceState",
    "Style",
    "Theme",
    "TileOverview",
    "Upload",
    "column_validator",
    "geodata_identifier",
    "slug_validator",
]
