"""Routes of the technicians' pages. Fixed words stand before the codes of devices."""

from django.urls import path

from geoportal.technicians import alerts, commands, credentials, planning, refusals, views

urlpatterns = [
    path("", views.device_list, name="technicians"),
    path("allarmi/", alerts.alert_list, name="alerts"),
    path("allarmi/<int:number>/", alerts.alert_page, name="alert"),
    path("regole/", alerts.rule_list, name="alert-rules"),
    path("regole/nuova/", alerts.rule_page, name="alert-rule-new"),
    path("regole/<slug:slug>/", alerts.rule_page, name="alert-rule"),
    path("manutenzione/", planning.plan_list, name="maintenance"),
    path("manutenzione/<int:number>/termina/", planning.plan_cancel, name="maintenance-cancel"),
    path("disponibilita/", planning.availability_page, name="availability"),
    path("rifiuti/", refusals.refusal_list, name="refusals"),
    path("nuovo/", credentials.new_device, name="technicians-new"),
    path("<slug:devid>/accesso/", credentials.act_on_device, name="technicians-access"),
    path("<slug:devid>/comandi/", commands.device_commands, name="technicians-commands"),
    path("<slug:devid>/", views.device_page, name="technicians-device"),
]
