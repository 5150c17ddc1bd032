"""Routes of the technicians' pages."""

from django.urls import path

from geoportal.technicians import views

urlpatterns = [
    path("", views.device_list, name="technicians"),
    path("<slug:devid>/", views.device_page, name="technicians-device"),
]
