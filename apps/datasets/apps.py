from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    name = "apps.datasets"

    def ready(self):
        from apps.core.subjects import add_subject
        from apps.datasets.access import named

        add_subject("dataset", named)
