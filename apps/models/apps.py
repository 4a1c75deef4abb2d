from django.apps import AppConfig


class ModelsConfig(AppConfig):
    name = "apps.models"

    def ready(self):
        from apps.core.subjects import add_subject
        from apps.models.access import named

        add_subject("model", named)
