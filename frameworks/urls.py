"""Addresses of frameworks and their controls."""

from django.urls import path

from frameworks import views

app_name = "frameworks"
urlpatterns = [
    path("", views.framework_list, name="framework-list"),
    path("<slug:key>/", views.framework_detail, name="framework-detail"),
    path("<slug:key>/<str:control_id>/", views.control_detail, name="control-detail"),
]
