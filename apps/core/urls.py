from django.urls import path

from apps.core import views
from apps.core.metrics.views import metrics
from apps.core.webhooks import views as webhooks

app_name = "core"
urlpatterns = [
    path("", views.home, name="home"),
    path("jobs/recent", views.recent_jobs, name="recent_jobs"),
    path("jobs/<int:pk>/", views.job_detail, name="job_detail"),
    path("jobs/<int:pk>/cancel", views.job_cancel, name="job_cancel"),
    path("jobs/<int:pk>/file", views.job_file, name="job_file"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("webhooks", webhooks.webhook_list, name="webhook_list"),
    path("webhooks/off", webhooks.switched_off, name="webhooks_off"),
    path("webhooks/<int:pk>", webhooks.webhook_detail, name="webhook_detail"),
    path("webhooks/<int:pk>/switch", webhooks.webhook_switch, name="webhook_switch"),
    path("webhooks/<int:pk>/test", webhooks.webhook_test, name="webhook_test"),
    path("webhooks/<int:pk>/secret", webhooks.webhook_secret, name="webhook_secret"),
    path("webhooks/<int:pk>/delete", webhooks.webhook_delete, name="webhook_delete"),
    path("webhooks/<int:pk>/deliveries/<uuid:delivery_id>/again", webhooks.delivery_replay, name="delivery_replay"),
]
