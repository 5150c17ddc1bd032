"""The register of reads for administrators: a list to search, and the same as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy

from layers.models import DeletedLayer, ReadOfRestricted

if TYPE_CHECKING:
    ReadBase = admin.ModelAdmin[ReadOfRestricted]
    DeletedBase = admin.ModelAdmin[DeletedLayer]
else:
    ReadBase = DeletedBase = admin.ModelAdmin  # Django's class takes type arguments in its stubs only

COLUMNS = ("at", "user_id", "user_name", "token_id", "layer", "door", "item", "features", "requests")


class _Line:
    """A file for csv that hands each line back."""

    def write(self, text: str) -> str:
        return text


class _Register:
    """Rows that nobody writes, changes or deletes by hand."""

    def has_add_permission(self, *args: Any) -> bool:
        return False

    def has_change_permission(self, *args: Any) -> bool:
        return False

    def has_delete_permission(self, *args: Any) -> bool:
        return False


@admin.register(DeletedLayer)
class DeletedAdmin(_Register, DeletedBase):
    list_display = ("at", "user_name", "layer", "title", "kind", "features", "versions", "bytes", "kept")
    list_filter = ("at",)
    search_fields = ("layer", "title", "user_name")
    actions = None


@admin.register(ReadOfRestricted)
class ReadAdmin(_Register, ReadBase):
    list_display = ("at", "user_name", "token_id", "layer", "door", "item", "features", "requests")
    list_filter = ("at", "door", "layer")
    search_fields = ("user_name", "layer", "item")
    change_list_template = "layers/audit/change_list.html"
    actions = None
    show_full_result_count = False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export)
        return [path("csv/", view, name="layers_readofrestricted_csv"), *super().get_urls()]

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """The rows the list shows with the same filters, oldest first, as CSV with the database's own names."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_changelist_instance(request).get_queryset(request).order_by("id")
        response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="letture.csv"'
        response["Cache-Control"] = "no-store"
        return response

    export.short_description = gettext_lazy("Esporta CSV")  # type: ignore[attr-defined]


def _lines(rows: Any) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for row in rows.values_list(*COLUMNS).iterator(chunk_size=2000):
        yield writer.writerow([row[0].isoformat(), *map(_plain, row[1:])])


def _plain(value: Any) -> Any:
    """A name that a spreadsheet would take for a formula is quoted."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value
