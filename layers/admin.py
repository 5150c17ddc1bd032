"""The catalogue for administrators: themes, layers with fields and styles, import reports, jobs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminIntegerFieldWidget
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import PositiveIntegerField, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from layers import codes
from layers.deleting import deleted_by, going
from layers.errors import LayersError
from layers.jobs import services
from layers.models import Field, ImportOutcome, ImportRun, Job, Layer, Style, Theme
from layers.statistics import StoreMissing, missing_columns, refresh_statistics
from layers.styles.model import StyleError, parse
from layers.versions.retention import kept

if TYPE_CHECKING:
    ThemeBase = admin.ModelAdmin[Theme]
    FieldInlineBase = admin.TabularInline[Field, Layer]
    FieldFormBase = forms.ModelForm[Field]
    StyleFormBase = forms.ModelForm[Style]
    StyleInlineBase = admin.StackedInline[Style, Layer]
    LayerFormBase = forms.ModelForm[Layer]
    LayerBase = admin.ModelAdmin[Layer]
    OutcomeInlineBase = admin.TabularInline[ImportOutcome, ImportRun]
    ImportRunBase = admin.ModelAdmin[ImportRun]
    ImportOutcomeBase = admin.ModelAdmin[ImportOutcome]
    JobBase = admin.ModelAdmin[Job]
else:
    # Django's classes take type arguments in its stubs only.
    ThemeBase = admin.ModelAdmin
    FieldInlineBase = admin.TabularInline
    FieldFormBase = forms.ModelForm
    StyleFormBase = forms.ModelForm
    StyleInlineBase = admin.StackedInline
    LayerFormBase = forms.ModelForm
    LayerBase = admin.ModelAdmin
    OutcomeInlineBase = admin.TabularInline
    ImportRunBase = admin.ModelAdmin
    ImportOutcomeBase = admin.ModelAdmin
    JobBase = admin.ModelAdmin


@admin.register(Theme)
class ThemeAdmin(ThemeBase):
    list_display = ("title_it", "slug", "parent", "access", "position")
    filter_horizontal = ("groups", "stewards")
    list_editable = ("position",)
    prepopulated_fields = {"slug": ("title_it",)}
    # The list lets positions be edited without a label of their own.
    formfield_overrides = {
        PositiveIntegerField: {"widget": AdminIntegerFieldWidget(attrs={"aria-label": gettext_lazy("ordine")})}
    }


class CodesField(forms.Field):
    """A code list, one code a line; which codes fit the column the form knows."""

    widget = forms.Textarea(attrs={"rows": 2, "cols": 30})

    def __init__(self, *, required: bool, label: str, help_text: str, **_of_json: Any) -> None:
        super().__init__(required=required, label=label, help_text=help_text)

    def prepare_value(self, value: Any) -> Any:
        return codes.write(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return str(self.prepare_value(initial) or "").split("\n") != str(data or "").splitlines()


class FieldForm(FieldFormBase):
    """A column whose code list fits its type."""

    class Meta:
        model = Field
        exclude = ()
        field_classes = {"codes": CodesField}

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if cleaned is not None and "type" in cleaned:
            try:
                cleaned["codes"] = codes.read(str(cleaned.get("codes") or ""), cleaned["type"])
            except ValidationError as error:
                self.add_error("codes", error)
        return cleaned


class FieldInline(FieldInlineBase):
    model = Field
    form = FieldForm
    extra = 0
    fields = (
        "name",
        "title_it",
        "title_en",
        "type",
        "unit",
        "codes",
        "position",
        "is_visible",
        "is_filterable",
        "is_searchable",
        "search_role",
        "access",
    )


class StyleForm(StyleFormBase):
    """A style whose definition follows the model, or an explanation of where it does not."""

    class Meta:
        model = Style
        fields = ("name", "title_it", "title_en", "is_default", "spec")

    def clean_spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.cleaned_data["spec"]
        try:
            parse(spec)
        except StyleError as error:
            raise ValidationError(_("La definizione non segue il modello: %(error)s") % {"error": error}) from error
        return spec


class StyleInline(StyleInlineBase):
    model = Style
    form = StyleForm
    extra = 0


class LayerForm(LayerFormBase):
    """A layer whose table and columns are really there."""

    class Meta:
        model = Layer
        exclude = ()

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        names = ("kind", "table_name", "id_field", "geometry_field", "tile_geometry_field", "time_field")
        if cleaned is None or any(name in self.errors for name in names) or cleaned.get("kind") != Layer.Kind.VECTOR:
            return cleaned
        layer = Layer(**{name: cleaned.get(name, "") for name in names})
        if not layer.table_name:
            self.add_error("table_name", _("Un livello vettoriale ha bisogno di una tabella."))
            return cleaned
        try:
            missing = missing_columns(layer)
        except StoreMissing as error:
            self.add_error("table_name", str(error))
            return cleaned
        if missing:
            text = _("Nella tabella mancano le colonne: %(names)s.") % {"names": ", ".join(missing)}
            self.add_error("table_name", text)
        return cleaned


@admin.register(Layer)
class LayerAdmin(LayerBase):
    form = LayerForm
    inlines = (FieldInline, StyleInline)
    list_display = (
        "title_it",
        "slug",
        "theme",
        "kind",
        "geometry_type",
        "srid",
        "feature_count",
        "access",
        "is_published",
        "is_sample",
        "data_updated_at",
    )
    list_filter = ("is_published", "access", "kind", "theme", "is_sample")
    search_fields = ("slug", "title_it", "title_en", "abstract_it", "table_name")
    prepopulated_fields = {"slug": ("title_it",)}
    filter_horizontal = ("groups",)
    readonly_fields = (
        "feature_count",
        "bbox",
        "storage_bbox",
        "data_version",
        "data_updated_at",
        "source_file",
        "raster_info",
    )
    actions = ("publish", "withdraw", "measure")
    fieldsets = (
        (None, {"fields": ("title_it", "title_en", "slug", "kind", "theme", "position", "is_published", "is_sample")}),
        (
            gettext_lazy("Descrizione"),
            {
                "fields": (
                    "abstract_it",
                    "abstract_en",
                    "keywords",
                    "licence",
                    "attribution",
                    "steward_office",
                    "contact_email",
                    "lineage",
                    "update_frequency",
                    "review_on",
                    "inspire_theme",
                    "topic_category",
                    "accuracy_m",
                    "scale_denominator",
                    "use_limitation",
                )
            },
        ),
        (gettext_lazy("Accesso"), {"fields": ("access", "groups", "is_editable")}),
        (gettext_lazy("Mappa"), {"fields": ("shown_by_default", "min_zoom", "max_zoom")}),
        (
            gettext_lazy("Dati"),
            {
                "fields": (
                    "table_name",
                    "id_field",
                    "geometry_field",
                    "tile_geometry_field",
                    "geometry_type",
                    "has_z",
                    "srid",
                    "time_field",
                    "is_live",
                    "raster_path",
                    "raster_info",
                    "feature_count",
                    "bbox",
                    "storage_bbox",
                    "data_version",
                    "data_updated_at",
                    "history_days",
                    "source_file",
                )
            },
        ),
    )

    def get_deleted_objects(
        self, objs: QuerySet[Layer] | Sequence[Layer], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """What goes with the layers, before it goes: first of all their past."""
        goes, counts, needed, kept_back = super().get_deleted_objects(objs, request)
        past = kept([layer.pk for layer in objs])
        if past.since is not None:
            words = {
                "versions": past.versions,
                "date": date_format(timezone.localtime(past.since), "SHORT_DATE_FORMAT"),
                "tables": past.tables,
                "files": past.files,
                "size": filesizeformat(past.bytes),
            }
            text = _(
                "Tutta la storia: %(versions)s versioni dal %(date)s, in %(tables)s tabelle e %(files)s file, %(size)s"
            )
            goes = [text % words, *goes]
        return [*(_data_of(layer) for layer in objs), *goes], counts, needed, kept_back

    def delete_model(self, request: HttpRequest, obj: Layer) -> None:
        with deleted_by(request.user):  # type: ignore[arg-type]
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Layer]) -> None:
        with deleted_by(request.user), transaction.atomic():  # type: ignore[arg-type]
            for layer in queryset:
                layer.delete()

    @admin.action(description=gettext_lazy("Pubblica i livelli scelti"))
    def publish(self, request: HttpRequest, queryset: QuerySet[Layer]) -> None:
        """Publish those whose table is there; name the others."""
        for layer in queryset:
            try:
                missing = missing_columns(layer) if layer.kind == Layer.Kind.VECTOR else []
            except StoreMissing as error:
                self.message_user(request, f"{layer.slug}: {error}", messages.ERROR)
                continue
            if missing:
                text = _("%(slug)s: nella tabella mancano %(names)s") % {
                    "slug": layer.slug,
                    "names": ", ".join(missing),
                }
                self.message_user(request, text, messages.ERROR)
                continue
            Layer.objects.filter(pk=layer.pk).update(is_published=True)

    @admin.action(description=gettext_lazy("Ritira i livelli scelti"))
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Layer]) -> None:
        """Take layers off every page and service; their data stays."""
        queryset.update(is_published=False)

    @admin.action(description=gettext_lazy("Aggiorna conteggi ed estensione"))
    def measure(self, request: HttpRequest, queryset: QuerySet[Layer]) -> None:
        """Measure the chosen tables again: small ones now, large ones as a job."""
        large = [layer.slug for layer in queryset if (layer.feature_count or 0) > 200_000]
        for layer in queryset.filter(kind=Layer.Kind.VECTOR).exclude(slug__in=large):
            try:
                refresh_statistics(layer)
            except LayersError as error:
                self.message_user(request, f"{layer.slug}: {error}", messages.ERROR)
        if large:
            services.enqueue("statistics", {"slugs": large})
            self.message_user(request, _("Messi in coda: %(slugs)s") % {"slugs": ", ".join(large)})


def _data_of(layer: Layer) -> str:
    """One line: what becomes of a layer's own data."""
    found = going(layer)
    if found.table_stays:
        words = {"slug": layer.slug, "table": found.table, "why": found.table_stays}
        return _("%(slug)s: resta la tabella %(table)s, perché %(why)s") % words
    words = {"slug": layer.slug, "count": str(found.features or 0), "size": filesizeformat(found.bytes)}
    if layer.kind == Layer.Kind.RASTER:
        return _("%(slug)s: il file del raster, %(size)s") % words
    return _("%(slug)s: tutti i dati, %(count)s elementi, %(size)s") % words


class _ReadOnly:
    """Rows that the product writes and people read."""

    def has_add_permission(self, *args: Any) -> bool:
        return False

    def has_change_permission(self, *args: Any) -> bool:
        return False


class OutcomeInline(_ReadOnly, OutcomeInlineBase):
    model = ImportOutcome
    can_delete = False
    extra = 0
    fields = (
        "file",
        "source_layer",
        "result",
        "reason",
        "layer",
        "features",
        "crs_found",
        "encoding",
        "null_geometries",
        "repaired",
        "rejected_rows",
        "seconds",
    )


class NonEmptyValues(admin.AllValuesFieldListFilter):
    """The values of a text column, without the empty one, whose link would have no text."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.lookup_choices = self.lookup_choices.exclude(**{self.field_path: ""})


@admin.register(ImportRun)
class ImportRunAdmin(_ReadOnly, ImportRunBase):
    list_display = ("source", "started_at", "finished_at", "user")
    inlines = (OutcomeInline,)


@admin.register(ImportOutcome)
class ImportOutcomeAdmin(_ReadOnly, ImportOutcomeBase):
    list_display = ("file", "source_layer", "result", "reason", "layer", "features", "crs_found", "encoding", "seconds")
    list_filter = ("result", ("format", NonEmptyValues))
    search_fields = ("file", "source_layer", "reason")
    list_select_related = ("layer", "run")


@admin.register(Job)
class JobAdmin(_ReadOnly, JobBase):
    list_display = ("kind", "state", "progress", "message", "user", "created_at", "started_at", "finished_at")
    list_filter = ("state", "kind")
    actions = ("call_off",)
    readonly_fields = ("pretty_result",)

    @admin.display(description=gettext_lazy("risultato"))
    def pretty_result(self, job: Job) -> str:
        return json.dumps(job.result, ensure_ascii=False, indent=1)

    @admin.action(description=gettext_lazy("Annulla i lavori scelti"))
    def call_off(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Cancel waiting jobs at once and running ones as soon as they notice."""
        for job in queryset:
            services.cancel(job)


from layers.audit import admin as audit_admin  # noqa: E402, F401  (each subject keeps its admin beside its code)
