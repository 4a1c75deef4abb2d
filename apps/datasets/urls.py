from django.urls import path

from apps.datasets import api, gallery, health, splits, trash, views

app_name = "datasets"
urlpatterns = [
    path("", views.dataset_list, name="dataset_list"),
    path("recent", views.recent, name="recent"),
    path("new", views.dataset_create, name="dataset_create"),
    path("<int:pk>/", gallery.dataset_detail, name="dataset_detail"),
    path("<int:pk>/tiles", gallery.tiles, name="tiles"),
    path("<int:pk>/tiles/ids", gallery.tile_ids, name="tile_ids"),
    path("<int:pk>/facts", gallery.facts, name="facts"),
    path("<int:pk>/filter-choices", gallery.filter_choices, name="filter_choices"),
    path("<int:pk>/trash", trash.trash, name="trash"),
    path("<int:pk>/trash/restore", trash.trash_restore, name="trash_restore"),
    path("<int:pk>/trash/purge", trash.trash_purge, name="trash_purge"),
    path("<int:pk>/settings", views.dataset_settings, name="dataset_settings"),
    path("<int:pk>/transfer-to", views.dataset_transfer, name="dataset_transfer"),
    path("<int:pk>/delete", views.dataset_delete, name="dataset_delete"),
    path("<int:pk>/splits", splits.dataset_splits, name="dataset_splits"),
    path("<int:pk>/split", splits.dataset_split, name="dataset_split"),
    path("<int:pk>/splits/undo", splits.split_undo, name="split_undo"),
    path("<int:pk>/health", health.dataset_health, name="dataset_health"),
    path("<int:pk>/health/work/<slug:name>", health.work, name="health_work"),
    path("<int:pk>/health/duplicates", health.duplicates, name="duplicates"),
    path("<int:pk>/health/duplicates/look", health.duplicates_look, name="duplicates_look"),
    path("<int:pk>/health/duplicates/keep", health.duplicates_keep, name="duplicates_keep"),
    path("<int:pk>/health/leaks", health.leaks, name="leaks"),
    path("<int:pk>/health/leaks/look", health.leaks_look, name="leaks_look"),
    path("<int:pk>/health/leaks/mend", health.leaks_mend, name="leaks_mend"),
    path("<int:pk>/leak-warning", health.leak_warning, name="leak_warning"),
    path("<int:pk>/images/<int:image_id>/file", api.ImageFile.as_view(), name="image_file"),
    path("<int:pk>/images/<int:image_id>/original", api.ImageOriginal.as_view(), name="image_original"),
    path("<int:pk>/images/<int:image_id>/thumbnail", api.ImageThumbnail.as_view(), name="image_thumbnail"),
    path("<int:pk>/images/<int:image_id>/delete", trash.image_delete, name="image_delete"),
]
