from django.urls import path

from apps.operator import views

app_name = "operator"
urlpatterns = [
    path("workers/", views.workers, name="workers"),
    path("storage/", views.storage, name="storage"),
    path("retention/", views.retention, name="retention"),
]
