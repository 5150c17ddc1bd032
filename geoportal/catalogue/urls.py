"""Addresses of the catalogue, below the root of the site."""

from django.urls import path

from geoportal.catalogue import deleting, metadata, views

urlpatterns = [
    path("livelli/", views.layers, name="layers"),
    path("livelli/<slug:slug>/", views.layer, name="layer"),
    path("livelli/<slug:slug>/descrizione/", views.describe, name="layer-describe"),
    path("livelli/<slug:slug>/elimina/", deleting.delete, name="layer-delete"),
    path("livelli/<slug:slug>/metadati.xml", metadata.rndt, name="layer-rndt"),
    path("livelli/<slug:slug>/metadati.ttl", metadata.of_layer, {"form": "ttl"}, name="layer-ttl"),
    path("livelli/<slug:slug>/metadati.rdf", metadata.of_layer, {"form": "rdf"}, name="layer-rdf"),
    path("livelli/<slug:slug>/metadati.jsonld", metadata.of_layer, {"form": "jsonld"}, name="layer-jsonld"),
    path("servizi/<str:name>/metadati.xml", metadata.of_service, name="service-rndt"),
    path("catalogo.ttl", metadata.of_all, {"form": "ttl"}, name="catalogue-ttl"),
    path("catalogo.rdf", metadata.of_all, {"form": "rdf"}, name="catalogue-rdf"),
    path("catalogo.jsonld", metadata.of_all, {"form": "jsonld"}, name="catalogue-jsonld"),
    path("da-rivedere/", views.to_review, name="to-review"),
]
