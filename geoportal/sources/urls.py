"""Addresses of the sources."""

from django.urls import path

from geoportal.sources import views

urlpatterns = [
    path("", views.sources, name="sources"),
    path("nuova/", views.new, name="source-new"),
    path("<int:number>/", views.edit, name="source"),
    path("<int:number>/<str:action>/", views.act, name="source-act"),
]
