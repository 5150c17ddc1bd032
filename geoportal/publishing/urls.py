"""Pages where stewards bring files into the catalogue."""

from django.urls import path

from geoportal.publishing import views

urlpatterns = [
    path("", views.start, name="publish"),
    path("<uuid:id>/", views.upload_page, name="publish-upload"),
    path("<uuid:id>/controlla/", views.look_again, name="publish-look"),
    path("<uuid:id>/importa/", views.import_chosen, name="publish-import"),
    path("<uuid:id>/annulla/", views.call_off, name="publish-cancel"),
    path("<uuid:id>/rapporto.json", views.report, name="publish-report"),
]
