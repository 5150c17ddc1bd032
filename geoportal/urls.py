"""Every address of the site. Each app keeps its own routes."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("accedi/", auth.LoginView.as_view(), name="login"),
    path("esci/", auth.LogoutView.as_view(), name="logout"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("ogc", include("ogc.urls")),
]
