from django.urls import path

from apps.inference import batch_views, views

app_name = "inference"
urlpatterns = [
    path("models/<int:pk>/deployment", views.deployment, name="deployment"),
    path("models/<int:pk>/deploy", views.deploy, name="deploy"),
    path("models/<int:pk>/undeploy", views.undeploy, name="undeploy"),
    path("models/<int:pk>/batch", batch_views.batch_new, name="batch_new"),
    path("predictions/<int:job_id>", batch_views.batch_detail, name="batch_detail"),
    path("test", views.test_page, name="test_page"),
]
