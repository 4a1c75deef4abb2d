from django.urls import path

from apps.inference import batch_views, capture_views, deployment_views, monitoring_views, testing_views, views

app_name = "inference"
urlpatterns = [
    path("models/<int:pk>/deployment", views.deployment, name="deployment"),
    path("models/<int:pk>/deploy", views.deploy, name="deploy"),
    path("models/<int:pk>/undeploy", views.undeploy, name="undeploy"),
    path("models/<int:pk>/batch", batch_views.batch_new, name="batch_new"),
    path("deployments/<int:pk>/batch", batch_views.batch_of_deployment, name="batch_of_deployment"),
    path("predictions/<int:job_id>", batch_views.batch_detail, name="batch_detail"),
    path("predictions/<int:job_id>/go-on", batch_views.batch_go_on, name="batch_go_on"),
    path("deployments/", deployment_views.deployment_list, name="deployment_list"),
    path("deployments/new", deployment_views.deployment_new, name="deployment_new"),
    path("deployments/<int:pk>", deployment_views.deployment_detail, name="deployment_detail"),
    path("deployments/<int:pk>/switch", deployment_views.switch, name="switch"),
    path("deployments/<int:pk>/serving", deployment_views.serving, name="serving"),
    path("deployments/<int:pk>/switch/cancel", deployment_views.switch_cancel, name="switch_cancel"),
    path("deployments/<int:pk>/back", deployment_views.back, name="back"),
    path("deployments/<int:pk>/delete", deployment_views.delete, name="deployment_delete"),
    *(
        path(f"deployments/<int:pk>/{part}", deployment_views.change, {"part": part}, name=f"deployment_{part}")
        for part in ("pause", "resume", "defaults", "gate", "settings")
    ),
    path("deployments/<int:pk>/monitoring", monitoring_views.deployment_monitoring, name="deployment_monitoring"),
    path("models/<int:pk>/monitoring", monitoring_views.model_monitoring, name="model_monitoring"),
    path("account/tokens/usage", monitoring_views.token_usage, name="token_usage"),
    path("account/tokens/usage.csv", monitoring_views.token_usage_file, name="token_usage_file"),
    path("deployments/<int:pk>/capture", capture_views.capture, name="capture"),
    path("deployments/<int:pk>/shadow", capture_views.shadow, name="shadow"),
    path("deployments/<int:pk>/shadow/figures", capture_views.shadow_figures, name="shadow_figures"),
    path("deployments/<int:pk>/shadow/stop", capture_views.shadow_stop, name="shadow_stop"),
    path("test", testing_views.testing_page, name="test_page"),
    path("test/about", testing_views.about, name="test_about"),
]
