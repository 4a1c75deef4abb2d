"""Who may see which deployment, and ask which model: deployed ones that one can see, and one's own."""

from django.db.models import Case, Q, When
from django.http import Http404

from apps.accounts.models import User
from apps.annotations.models import DatasetVersion
from apps.core.access import Right, get_with, held_by, holder, may, own_first, rights_in_teams, rows_seen
from apps.core.prepared import Prepared
from apps.datasets.access import held_by as datasets_held_by
from apps.datasets.access import visible_to as datasets_visible_to
from apps.inference.models import Deployment, as_built
from apps.models.access import visible_to
from apps.models.models import ServingBuild, TrainedModel

# What answering needs; above all not the metrics, whose curves take longer to read than a small image takes to answer.
NEEDED = (
    "line__name", "number", "owner_id", "team_id", "class_names", "serving_file", "serving", "sha256", "img_size",
    "is_deployed", "is_public", "operating_point", "stage",
)  # fmt: skip

BUILD_NEEDED = ("build__file", "build__serving", "build__img_size")


def answering_to(user):
    """The models that `user` may ask."""
    asked = visible_to(user).filter(Q(is_deployed=True) | held_by(user))
    return asked.select_related(None).select_related("line").only(*NEEDED)


def get_model_to_ask(user, model_id=None, name=None):
    """The model by id, or by name (one's own first, then one's teams', then the newest).

    Http404 for none; raises NotAnswering for an archived one.
    """
    found = _model_to_ask(user, model_id, name)
    if found.is_archived:
        words = f"“{found.title}” is archived and answers nobody. Make it a candidate again on its page."
        raise NotAnswering(words, model=found)
    return found


def _model_to_ask(user, model_id=None, name=None):
    if model_id is not None:
        found = MODEL_BY_ID[user.is_superuser].first(user.pk, model_id)
    else:
        found = MODEL_BY_NAME[user.is_superuser].first(user.pk, name)
    if found is None:
        raise Http404("No such model is deployed.")
    return found


def deployments_visible_to(user):
    """The deployments that `user` may see."""
    rows = Deployment.objects.select_related(
        "owner", "team", "model__line", "model__dataset_version__dataset", "previous__line", "gate_version__dataset",
        "build", "previous_build",
    )  # fmt: skip
    return rows_seen(rows.defer("model__metrics", "model__card", "previous__metrics", "previous__card"), user)


def get_deployment(user, pk):
    """The deployment, or Http404."""
    deployment = deployments_visible_to(user).filter(pk=pk).first()
    if deployment is None:
        raise Http404("No such deployment.")
    return deployment


def get_deployment_to_edit(user, pk):
    """The deployment; Http404 for outsiders, PermissionDenied for readers."""
    return get_with(Right.EDIT, deployments_visible_to(user), user, pk)


def get_deployment_inside(user, pk):
    """The deployment, to look at its traffic and its history; Http404 or PermissionDenied."""
    return get_with(Right.INSIDE, deployments_visible_to(user), user, pk)


class NotAnswering(Exception):
    """`deployment`, or the model by its own name or id, is there and answers nothing now; the message says why."""

    def __init__(self, words, deployment=None, model=None):
        super().__init__(words)
        self.deployment, self.model = deployment, model


def find_to_ask(user, model_id=None, name=None, by_token=False):
    """(deployment or None, model) that a call means; Http404 where there is none to ask.

    A name is a deployment's (one's own first, then one's teams', then the newest public one), else a deployed model's.
    Whoever may see a deployment may ask it, whether or not the model behind it is theirs to see. Raises NotAnswering
    for a name of one's own, or of one's team, that is paused, or that nothing is behind; for an archived model; and
    with `by_token`, which is how programs call, for one that is not deployed: people who are signed in may try theirs.
    """
    if model_id is None:
        found = DEPLOYMENTS_BY_NAME[user.is_superuser].first(user.pk, name)
        if found and found.answers:
            return found, found.model
        if found and _is_of(user, found):
            raise NotAnswering(found.why_silent, found, found.model)
    model = get_model_to_ask(user, model_id, name)
    if by_token and not model.is_deployed:
        raise NotAnswering(
            f"“{model.title}” is not deployed, and API tokens reach deployed models only. Deploy it, or switch a "
            "deployment to it; on the page Test, or signed in without a token, you can try it before."
        )
    return None, model


def get_model_of_batch(job):
    """The model that a batch was started on, while the job's owner may ask it still; else Http404.

    One that was asked by a deployment's name may be asked as long as that deployment is to be seen: whether or not the
    model is theirs to see, and whichever model answers by now. It is served as the deployment served it then. A batch
    that was started goes on though its model be undeployed or archived since.
    """
    deployment_id = job.params.get("deployment_id")
    if deployment_id and deployments_visible_to(job.owner).filter(pk=deployment_id).exists():
        model = TrainedModel.objects.filter(pk=job.params["model_id"]).select_related("line").only(*NEEDED).first()
        if model:
            return as_built(model, ServingBuild.objects.filter(pk=job.params.get("build_id") or 0).first())
    return _model_to_ask(job.owner, job.params["model_id"])


def deployments_of(user, model):
    """The deployments that `user` may see and that the model answers for, or did before the last switch."""
    return deployments_visible_to(user).filter(Q(model=model) | Q(previous=model))


def may_edit(user, deployment):
    """Whether to show the buttons that change it."""
    return may(user, Right.EDIT, deployment)


def is_inside(user, deployment):
    """Whether to show its traffic and its history."""
    return may(user, Right.INSIDE, deployment)


def models_to_bring(user, deployment, with_live=False):
    """The models that `user` may bring behind a deployment: of its team or person, any line, its own line first.

    `with_live`: also the one that answers, to be served in another way.
    """
    models = TrainedModel.objects.filter(**holder(deployment)).exclude(stage=TrainedModel.Stage.ARCHIVED)
    if not with_live:
        models = models.exclude(pk=deployment.model_id)
    models = models.select_related("line").defer("metrics", "card")
    line = deployment.model.line_id if deployment.model else 0
    return models.order_by(Case(When(line=line, then=0), default=1), "-pk")


def versions_to_judge_on(user):
    """The dataset versions that `user` may choose for a gate, the newest first."""
    return (
        DatasetVersion.objects.filter(dataset__in=datasets_visible_to(user)).select_related("dataset").order_by("-pk")
    )


def datasets_to_capture_into(user):
    """The datasets that `user` may change, by name."""
    return datasets_held_by(user, Right.EDIT).order_by("name", "pk")


def _model_by_id(user, model_id):
    return answering_to(user).filter(pk=model_id)


def _model_by_name(user, name):
    return answering_to(user).filter(line__name=name, is_deployed=True).order_by(own_first(user), "-pk")[:1]


def _deployments_by_name(user, name):
    named = rows_seen(Deployment.objects.filter(name=name), user).select_related("model__line", "build")
    answers = Case(When(is_active=True, model__isnull=False, then=0), default=1)
    named = named.order_by(own_first(user), answers, "-pk")[:1]  # an operator's query, too, must hold who asks
    return named.only(
        *(field.name for field in Deployment._meta.concrete_fields), *(f"model__{one}" for one in NEEDED), *BUILD_NEEDED
    )


def _is_of(user, row):
    """Whether it is one's own or of one's teams: an operator sees others' too, and means the public one behind it."""
    return row.owner_id == user.pk if row.team_id is None else row.team_id in rights_in_teams(user)


def _for_anyone(build, kind):
    """{is the asker an operator: the prepared query of (id of the asker, value)}."""
    return {
        power: Prepared(lambda pk, value, power=power: build(User(pk=pk, is_superuser=power), value), int, kind)
        for power in (False, True)
    }


# Each call asks one of these: they are prepared.
MODEL_BY_ID = _for_anyone(_model_by_id, int)
MODEL_BY_NAME = _for_anyone(_model_by_name, str)
DEPLOYMENTS_BY_NAME = _for_anyone(_deployments_by_name, str)
