"""Addresses of the search."""

from django.urls import path

from geoportal.find import views

urlpatterns = [
    path("cerca", views.search, name="search"),
    path("qui", views.here, name="here"),
]
