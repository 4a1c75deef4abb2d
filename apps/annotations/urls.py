from django.urls import path

from apps.annotations import class_views, import_views, review_views, version_views, views

app_name = "annotations"
urlpatterns = [
    path("label", views.workspace, name="workspace"),
    path("gallery-boxes", views.gallery_boxes, name="gallery_boxes"),
    path("classes", class_views.class_list, name="class_list"),
    path("classes/order", class_views.class_move, name="class_move"),
    path("classes/<int:class_id>/edit", class_views.class_edit, name="class_edit"),
    path("classes/<int:class_id>/remove", class_views.class_remove, name="class_remove"),
    path("crops", views.crop_wall, name="crop_wall"),
    path("review-ask", review_views.review_ask, name="review_ask"),
    path("labelling-progress", views.labelling_progress, name="labelling_progress"),
    path("statistics", views.statistics, name="statistics"),
    path("transfer", import_views.transfer, name="transfer"),
    path("import", import_views.dataset_import, name="dataset_import"),
    path("import/<int:job_id>", import_views.import_preview, name="import_preview"),
    path("import/<int:job_id>/again", import_views.import_again, name="import_again"),
    path("import/<int:job_id>/summary", import_views.import_summary, name="import_summary"),
    path("import/<int:job_id>/undo", import_views.import_undo, name="import_undo"),
    path("export", views.dataset_export, name="dataset_export"),
    path("validate", views.dataset_validate, name="dataset_validate"),
    path("validation-card", views.validation_card, name="validation_card"),
    path("versions", version_views.version_list, name="version_list"),
    path("versions/compare", version_views.version_compare_chosen, name="version_compare_chosen"),
    path("versions/<int:number>/note", version_views.version_note, name="version_note"),
    path("versions/<int:number>/compare/<str:other>", version_views.version_compare, name="version_compare"),
    path("versions/<int:number>/restore", version_views.version_restore, name="version_restore"),
]
