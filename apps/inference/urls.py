from django.urls import path

from apps.inference import views

app_name = "inference"
urlpatterns = [
    path("models/<int:pk>/deployment", views.deployment, name="deployment"),
    path("models/<int:pk>/deploy", views.deploy, name="deploy"),
    path("models/<int:pk>/undeploy", views.undeploy, name="undeploy"),
    path("test", views.test_page, name="test_page"),
]
