from django.apps import AppConfig


class ModelsConfig(AppConfig):
    name = "apps.models"

    def ready(self):
        from apps.core import usage
        from apps.core.belongings import FOLLOWERS, HELD, KINDS, Part
        from apps.core.leaving import ESTATE, Possession, each
        from apps.core.models import Job
        from apps.core.subjects import add_subject
        from apps.models.access import named
        from apps.models.leaving import delete_model_of, deployed_against, own_models
        from apps.models.models import Evaluation, ModelExport, ModelLine, TrainedModel

        def made_from(dataset):
            return ModelLine.objects.filter(versions__dataset_version__dataset=dataset)

        def jobs(line):
            versions = TrainedModel.objects.filter(line=line)
            measured = Evaluation.objects.filter(model__in=versions).values_list("pk", flat=True)
            subjects = [f"model:{pk}" for pk in versions.values_list("pk", flat=True)]
            return Job.objects.filter(subject__in=subjects + [f"evaluation:{pk}" for pk in measured])

        usage.KINDS.append(usage.Kind("Models", TrainedModel.objects.all, "num_bytes"))
        usage.KINDS.append(usage.Kind("Exports", ModelExport.objects.all, "num_bytes", "model__"))
        add_subject("model", named)
        KINDS["line"] = Part(
            "model", "models", lambda line: ModelLine.objects.filter(pk=line.pk), kind="line", is_named=True
        )
        FOLLOWERS["line"] += [
            Part("version", "versions", lambda line: TrainedModel.objects.filter(line=line)),
            Part("job", "jobs", jobs),
        ]
        FOLLOWERS["dataset"].append(Part("model", "models", made_from, kind="line", is_named=True))
        ESTATE.append(Possession("model", "models", own_models, each(delete_model_of), deployed_against))
        HELD.append(Part("model", "models", lambda team: ModelLine.objects.filter(team=team), page="models:model_list"))
