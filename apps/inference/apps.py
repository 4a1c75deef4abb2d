from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "apps.inference"

    def ready(self):
        from apps.core.health import add_check
        from apps.inference.after import LISTENERS
        from apps.inference.monitoring.counting import count
        from apps.inference.services import unreadable_models

        add_check("models", unreadable_models)
        LISTENERS.append(count)
