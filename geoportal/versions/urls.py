"""Pages of a layer's history, under /livelli/{slug}/versioni/."""

from django.urls import path

from geoportal.versions import rasters, views

urlpatterns = [
    path("", views.versions, name="layer-versions"),
    path("confronto/", views.comparison, name="layer-comparison"),
    path("confronto/differenza.png", rasters.picture, name="layer-difference"),
    path("<int:number>/ripristina/", views.restore, name="layer-restore"),
]
