"""Addresses of the account pages."""

from django.urls import path

from geoportal.accounts import views

urlpatterns = [
    path("gettoni/", views.tokens, name="tokens"),
    path("gettoni/<int:number>/revoca/", views.revoke, name="revoke-token"),
]
