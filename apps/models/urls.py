from django.urls import path

from apps.models import compare_views, evaluation_views, export_views, upload_views, views

app_name = "models"
urlpatterns = [
    path("", views.model_list, name="model_list"),
    path("recent", views.recent, name="recent"),
    path("upload", upload_views.weights_upload, name="weights_upload"),
    path("upload/<int:job_id>/class-names", upload_views.class_names, name="class_names_of_upload"),
    path("of-dataset/<int:dataset_id>", upload_views.models_of_versions, name="models_of_versions"),
    path("compare", compare_views.model_compare, name="model_compare"),
    path("compare/measure", compare_views.compare_measure, name="compare_measure"),
    path("<int:pk>/", views.model_detail, name="model_detail"),
    path("<int:pk>/edit", views.model_edit, name="model_edit"),
    path("<int:pk>/stage", views.model_stage, name="model_stage"),
    path("<int:pk>/transfer-to", views.model_transfer, name="model_transfer"),
    path("<int:pk>/delete", views.model_delete, name="model_delete"),
    path("<int:pk>/weights", views.model_download, name="model_download"),
    path("<int:pk>/exports", export_views.exports, name="exports"),
    path("<int:pk>/exports/start", export_views.export_start, name="export_start"),
    path("<int:pk>/exports/<int:export_id>/again", export_views.export_again, name="export_again"),
    path("<int:pk>/exports/<int:export_id>/delete", export_views.export_delete, name="export_delete"),
    path("<int:pk>/exports/<int:export_id>/file", export_views.export_file, name="export_file"),
    path("<int:pk>/evaluate", evaluation_views.evaluation_start, name="evaluation_start"),
    path("<int:pk>/evaluations/<int:evaluation_id>/errors", evaluation_views.error_gallery, name="error_gallery"),
    path(
        "<int:pk>/evaluations/<int:evaluation_id>/images/<int:image_id>/confirm",
        evaluation_views.labels_confirm,
        name="labels_confirm",
    ),
]
