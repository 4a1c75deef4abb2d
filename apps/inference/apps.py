from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "apps.inference"

    def ready(self):
        from apps.core.health import add_check
        from apps.inference import metrics
        from apps.inference.after import LISTENERS
        from apps.inference.capture.waiting import capture_questions
        from apps.inference.monitoring.counting import count
        from apps.inference.services import unreadable_models
        from apps.inference.shadow.asking import double_questions

        add_check("models", unreadable_models, kept_seconds=60)  # each file is a question to the store
        LISTENERS.append(metrics.observe)
        LISTENERS.append(count)
        LISTENERS.append(capture_questions)
        LISTENERS.append(double_questions)  # after the capture: it asks what that has kept
