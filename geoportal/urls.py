"""Every address of the site. Each app keeps its own routes."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import URLPattern, URLResolver, include, path

from geoportal import contract, views
from geoportal.accounts.forms import LoginForm
from geoportal.health import healthz
from geoportal.publishing import api
from geoportal.relations import views as relation_views
from geoportal.sources import views as source_views
from geoportal.takeaway import views as takeaway
from geoportal.versions import api as history_api

handler500 = "geoportal.trouble.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("mappe/stile.json", views.style_of_all, name="map-style"),
    path("mappe/<slug:slug>/stile.json", views.style_of_layer, name="layer-style"),
    path("mappe/<slug:slug>/stili/<slug:name>.json", views.style_on_map, name="map-named-style"),
    path("contratto/", contract.overview, name="contract"),
    path("contratto/asyncapi.json", contract.asyncapi, name="contract-asyncapi"),
    path("contratto/schemi/<slug:name>.json", contract.schema, name="contract-schema"),
    path("note/", views.notes, name="notes"),
    path("tecnici/", include("geoportal.technicians.urls")),
    path("mappe/<slug:slug>/esporta.html", takeaway.export, name="map-export"),
    path("pubblica/", include("geoportal.publishing.urls")),
    path("", include("geoportal.catalogue.urls")),
    path("livelli/", include("geoportal.styling.urls")),
    path("fonti/", include("geoportal.sources.urls")),
    path("relazioni/", include("geoportal.relations.urls")),
    path("api/livelli/<slug:slug>/elementi/<str:item>/collegati", relation_views.related, name="api-related"),
    path("api/fonti", source_views.api, name="api-sources"),
    path("api/importazioni", api.uploads, name="api-uploads"),
    path("api/importazioni/<uuid:id>", api.upload, name="api-upload"),
    path("livelli/<slug:slug>/versioni/", include("geoportal.versions.urls")),
    path("api/livelli/<slug:slug>/versioni", history_api.versions, name="api-layer-versions"),
    path("api/livelli/<slug:slug>/versioni/confronto", history_api.comparison, name="api-layer-comparison"),
    path("api/livelli/<slug:slug>/versioni/<int:number>/ripristino", history_api.restore, name="api-layer-restore"),
    path("admin/", admin.site.urls),
    path("accedi/", auth.LoginView.as_view(authentication_form=LoginForm), name="login"),
    path("profilo/", include("geoportal.accounts.urls")),
    path("esci/", auth.LogoutView.as_view(), name="logout"),
    path("healthz", healthz, name="healthz"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/", include("geoportal.commands.urls")),
    path("api/", include("geoportal.devices.urls")),
    path("api/", include("geoportal.find.urls")),
    path("api/", include("wifi.urls")),
    path("ogc", include("ogc.urls")),
]
