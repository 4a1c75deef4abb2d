from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    name = "apps.datasets"

    def ready(self):
        from apps.core import usage
        from apps.core.belongings import FOLLOWERS, HELD, KINDS, Part, jobs_about
        from apps.core.leaving import ESTATE, Possession, each
        from apps.core.subjects import add_subject
        from apps.datasets.access import named
        from apps.datasets.models import Dataset, DatasetImage
        from apps.datasets.services import delete_dataset

        usage.KINDS.append(usage.Kind("Images", DatasetImage.all_objects.all, "num_bytes", "dataset__"))
        add_subject("dataset", named)
        KINDS["dataset"] = Part("dataset", "datasets", lambda row: Dataset.objects.filter(pk=row.pk), kind="dataset")
        FOLLOWERS["dataset"] += [jobs_about("dataset"), jobs_about("preview")]
        ESTATE.append(
            Possession(
                "dataset", "datasets", lambda user: Dataset.objects.filter(owner=user, team=None), each(delete_dataset)
            )
        )
        HELD.append(
            Part("dataset", "datasets", lambda team: Dataset.objects.filter(team=team), page="datasets:dataset_list")
        )
