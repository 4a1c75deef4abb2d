"""Who may ask which model: deployed ones that one can see, and one's own."""

from django.db.models import Q
from django.http import Http404

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
