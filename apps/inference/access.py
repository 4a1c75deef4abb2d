"""Who may see which deployment, and ask which model: deployed ones that one can see, and one's own."""

from django.db.models import Q
from django.http import Http404

from apps.core.access import get_to_edit, owned_or_public
from apps.inference.models import Deployment
from apps.models.access import visible_to

# What answering needs; above all not the metrics, whose curves take longer to read than a small image takes to answer.
NEEDED = (
    "line__name", "number", "owner_id", "class_names", "serving_file", "serving", "sha256", "img_size", "is_deployed",
    "is_public", "operating_point",
)  # fmt: skip


def answering_to(user):
    """The models that `user` may ask."""
    asked = visible_to(user).filter(Q(is_deployed=True) | Q(owner_id=user.pk))
    return asked.select_related(None).select_related("line").only(*NEEDED)


def get_model_to_ask(user, model_id=None, name=None):
    """The model by id, or by name (one's own first, then the newest); Http404 where there is none to ask."""
    models = answering_to(user)
    if model_id is not None:
        found = models.filter(pk=model_id).first()
    else:
        named = models.filter(line__name=name, is_deployed=True)
        found = named.filter(owner_id=user.pk).first() or named.first()
    if found is None:
        raise Http404("No such model is deployed.")
    return found


def deployments_visible_to(user):
    """The deployments that `user` may see."""
    return owned_or_public(Deployment.objects.select_related("owner", "model__line"), user)


def get_deployment(user, pk):
    """The deployment, or Http404."""
    deployment = deployments_visible_to(user).filter(pk=pk).first()
    if deployment is None:
        raise Http404("No such deployment.")
    return deployment


def get_deployment_to_edit(user, pk):
    """The deployment; Http404 for outsiders, PermissionDenied for readers."""
    return get_to_edit(deployments_visible_to(user), user, pk)


def find_to_ask(user, model_id=None, name=None):
    """(deployment or None, model) that a call means; Http404 where there is none to ask.

    A name is a deployment's (one's own first, then the newest public one), else a deployed model's. Whoever may see a
    deployment may ask it, whether or not the model behind it is theirs to see.
    """
    if model_id is None:
        named = owned_or_public(Deployment.objects.filter(name=name, is_active=True, model__isnull=False), user)
        named = named.select_related("model__line").only(
            *(field.name for field in Deployment._meta.concrete_fields if not field.is_relation),
            "owner_id", *(f"model__{field}" for field in NEEDED),
        )  # fmt: skip
        found = sorted(named, key=lambda one: (one.owner_id != user.pk, -one.pk))
        if found:
            return found[0], found[0].model
    return None, get_model_to_ask(user, model_id, name)
