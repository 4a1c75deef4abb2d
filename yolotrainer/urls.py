"""Every address of the platform: one include per app, and the API."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerSplitView

from apps.accounts.views.sign_in import SignOut, admin_sign_in
from apps.annotations import import_views as imports
from apps.core.views import favicon
from yolotrainer import api

handler500 = "apps.core.room.answer_uncaught"
urlpatterns = [
    path("api/v1/", include((api.urlpatterns, "api"))),  # first: programs ask far more often than people
    path("", include("apps.core.urls")),
    path("account/", include("apps.accounts.urls")),
    path("teams/", include("apps.accounts.teams.urls")),
    path("datasets/", include("apps.datasets.urls")),
    path("datasets/import", imports.import_new, name="import_new"),
    path("datasets/import/<int:job_id>", imports.import_preview, name="import_new_preview"),
    path("datasets/import/<int:job_id>/again", imports.import_again, name="import_new_again"),
    path("datasets/<int:pk>/", include("apps.annotations.urls")),
    path("training/", include("apps.training.urls")),
    path("models/", include("apps.models.urls")),
    path("", include("apps.inference.urls")),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="api_docs"),
    path("favicon.ico", favicon),
    path("admin/login/", admin_sign_in),
    path("admin/logout/", SignOut.as_view()),
    path("admin/password_change/", RedirectView.as_view(pattern_name="accounts:account")),
    path("admin/operator/", include("apps.operator.urls")),
    path("admin/", admin.site.urls),
]
admin.site.site_header = admin.site.site_title = "YOLO Trainer"
admin.site.index_title = "Operator's tables"
