from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "apps.inference"

    def ready(self):
        from apps.core.belongings import FOLLOWERS, HELD, KINDS, SETTLERS, Part, jobs_about
        from apps.core.health import add_check
        from apps.core.leaving import ESTATE, Possession, each
        from apps.inference import metrics
        from apps.inference.after import LISTENERS
        from apps.inference.capture.waiting import capture_questions
        from apps.inference.models import Deployment
        from apps.inference.monitoring.counting import count
        from apps.inference.services import delete_deployment, part_from_others, unreadable_models
        from apps.inference.shadow.asking import double_questions

        add_check("models", unreadable_models, kept_seconds=60)  # each file is a question to the store
        LISTENERS.append(metrics.observe)

        def answering(line):
            return Deployment.objects.filter(model__line=line)

        KINDS["deployment"] = Part(
            "deployment", "deployments", lambda one: Deployment.objects.filter(pk=one.pk), kind="deployment"
        )
        FOLLOWERS["deployment"].append(jobs_about("deployment"))
        FOLLOWERS["line"].append(Part("deployment", "deployments", answering, kind="deployment", is_named=True))
        SETTLERS["line"].append(part_from_others)
        ESTATE.append(
            Possession(
                "deployment",
                "deployments",
                lambda user: Deployment.objects.filter(owner=user, team=None).select_related("model"),
                each(delete_deployment),
            )
        )
        HELD.append(
            Part(
                "deployment",
                "deployments",
                lambda team: Deployment.objects.filter(team=team),
                page="inference:deployment_list",
            )
        )
        LISTENERS.append(count)
        LISTENERS.append(capture_questions)
        LISTENERS.append(double_questions)  # after the capture: it asks what that has kept
