from django.urls import path

from apps.datasets import api, views

app_name = "datasets"
urlpatterns = [
    path("", views.dataset_list, name="dataset_list"),
    path("recent", views.recent, name="recent"),
    path("new", views.dataset_create, name="dataset_create"),
    path("<int:pk>/", views.dataset_detail, name="dataset_detail"),
    path("<int:pk>/settings", views.dataset_settings, name="dataset_settings"),
    path("<int:pk>/delete", views.dataset_delete, name="dataset_delete"),
    path("<int:pk>/split", views.dataset_split, name="dataset_split"),
    path("<int:pk>/images/<int:image_id>/file", api.ImageFile.as_view(), name="image_file"),
    path("<int:pk>/images/<int:image_id>/thumbnail", api.ImageThumbnail.as_view(), name="image_thumbnail"),
    path("<int:pk>/images/<int:image_id>/delete", views.image_delete, name="image_delete"),
]
