"""Addresses of the style editor, below /livelli/."""

from django.urls import path

from geoportal.styling import views

urlpatterns = [
    path("<slug:slug>/stile/", views.editor, name="style-editor"),
    path("<slug:slug>/stile/anteprima", views.preview, name="style-preview"),
    path("<slug:slug>/stile/classi", views.classes, name="style-classes"),
    path("<slug:slug>/stile/immagine", views.picture, name="style-picture"),
    path("<slug:slug>/stile/leggi", views.read, name="style-read"),
    path("<slug:slug>/stile/salva", views.save, name="style-save"),
    path("<slug:slug>/stile/elimina", views.delete, name="style-delete"),
]
