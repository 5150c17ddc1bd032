"""Addresses of the relations."""

from django.urls import path

from geoportal.relations import views

urlpatterns = [
    path("", views.relations, name="relations"),
    path("nuova/", views.edit, name="relation-new"),
    path("<int:number>/", views.edit, name="relation"),
    path("<int:number>/togli/", views.remove, name="relation-remove"),
]
