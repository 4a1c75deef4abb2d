from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "apps.training"

    def ready(self):
        from apps.core.metrics.now import add_source
        from apps.core.metrics.work import TABLES, Kind
        from apps.training.metrics import trainings
        from apps.training.models import TrainingJob
        from apps.training.services.jobs import TASK

        TABLES.append(Kind(TrainingJob, "training", TASK, "queued_at", fixed=True))
        add_source("training", trainings)
        from apps.core.belongings import FOLLOWERS, HELD, Part
        from apps.core.leaving import ESTATE, Possession, each
        from apps.training.services.deleting import delete_training, own_trainings, trainings_against

        def on(dataset):
            return TrainingJob.objects.filter(dataset=dataset)

        FOLLOWERS["dataset"].append(Part("training", "trainings", on, owner="user"))
        ESTATE.append(Possession("training", "trainings", own_trainings, each(delete_training), trainings_against))
        HELD.append(
            Part("training", "trainings", lambda team: TrainingJob.objects.filter(team=team), page="training:job_list")
        )
