"""The models of a person who is deleted."""

from apps.core.leaving import PersonStays, named
from apps.models.models import TrainedModel
from apps.models.services import DeleteRefused, delete_model


def own_models(user):
    """Those that are the person's own, not a team's."""
    return TrainedModel.objects.filter(owner=user, team=None).select_related("line")


def deployed_against(user):
    """Why a person with deployed models is not deleted, as a list of sentences."""
    deployed = own_models(user).filter(is_deployed=True).order_by("pk")
    if not deployed:
        return []
    return [
        f"Programs call what they have deployed ({named(deployed)}): undeploy it, or have it transferred to a team, "
        "first."
    ]


def delete_model_of(model, actor):
    """As every door deletes one; raises PersonStays where it was deployed just now."""
    try:
        delete_model(model, actor)
    except DeleteRefused as refused:
        raise PersonStays(str(refused)) from None
