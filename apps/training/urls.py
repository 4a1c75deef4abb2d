from django.urls import path

from apps.training import comparison, list_views, preview_views, views

app_name = "training"
urlpatterns = [
    path("", list_views.job_list, name="job_list"),
    path("recent", views.recent, name="recent"),
    path("compared", comparison.settings_compared, name="settings_compared"),
    path("next-steps", views.next_steps, name="next_steps"),
    path("new", views.job_create, name="job_create"),
    path("plan", views.plan, name="plan"),
    path("preview", preview_views.preview_start, name="preview_start"),
    path("preview/<int:pk>", preview_views.preview, name="preview"),
    path("preview/<int:pk>.jpg", preview_views.preview_picture, name="preview_picture"),
    path("<int:pk>/", views.job_detail, name="job_detail"),
    path("<int:pk>/place", list_views.job_place, name="job_place"),
    path("<int:pk>/cancel", views.job_cancel, name="job_cancel"),
    path("<int:pk>/pause", views.job_pause, name="job_pause"),
    path("<int:pk>/resume", views.job_resume, name="job_resume"),
]
