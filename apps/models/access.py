"""Who may see and change trained models."""

from django.http import Http404
from django.urls import reverse

from apps.core.access import Right, get_with, may, rows_held, rows_seen
from apps.datasets.access import visible_to as datasets_visible_to
from apps.models.models import Evaluation, ModelExport, TrainedModel


def visible_to(user):
    """The models that `user` may see."""
    return rows_seen(_with_names(), user)


def held_by(user, right=Right.INSIDE):
    """The models that are `user`'s or their teams', to which they have this right."""
    return rows_held(_with_names(), user, right)


def _with_names():
    return TrainedModel.objects.select_related("owner", "team", "line", "dataset_version__dataset")


def startable_by(user):
    """The models that `user` may begin a training with."""
    return visible_to(user).filter(format=TrainedModel.Format.PT).exclude(stage=TrainedModel.Stage.ARCHIVED)


def get_model(user, pk):
    """The model, or Http404."""
    model = visible_to(user).filter(pk=pk).first()
    if model is None:
        raise Http404("No such model.")
    return model


def get_model_inside(user, pk):
    """The model, to look at its traffic; Http404 or PermissionDenied."""
    return get_with(Right.INSIDE, visible_to(user), user, pk)


def named(user, pk):
    """(name, address of its page) of a model that `user` may see, or None."""
    name = visible_to(user).filter(pk=pk).values_list("line__name", flat=True).first()
    return name and (name, reverse("models:model_detail", args=[pk]))


def get_model_to_edit(user, pk):
    """The model; Http404 for outsiders, PermissionDenied for readers."""
    return get_with(Right.EDIT, visible_to(user), user, pk)


def may_edit(user, model):
    """Whether to show the buttons that change it."""
    return may(user, Right.EDIT, model)


def evaluations_visible_to(user, model):
    """The evaluations of a model that was looked up for this user, on datasets that `user` may see."""
    rows = Evaluation.objects.filter(model=model, dataset_version__dataset__in=datasets_visible_to(user))
    return rows.select_related("job", "dataset_version__dataset")


def versions_visible_to(user, model):
    """The versions of a model's line that `user` may see, newest first."""
    return visible_to(user).filter(line=model.line_id).order_by("-number")


def get_evaluation(user, model_id, pk):
    """An evaluation of a model and on a dataset that `user` may both see, or Http404."""
    model = get_model(user, model_id)
    row = evaluations_visible_to(user, model).filter(pk=pk).first()
    if row is None:
        raise Http404("This model has no such evaluation.")
    row.model = model
    return row


def exports_of(model):
    """The exports of a model that was looked up for this user; each knows the model without a query."""
    rows = list(ModelExport.objects.filter(model=model).select_related("job"))
    for row in rows:
        row.model = model
    return rows


def get_export(user, model_id, pk):
    """An export of a model that `user` may see, or Http404."""
    return _export_of(get_model(user, model_id), pk)


def get_export_to_edit(user, model_id, pk):
    """Likewise; PermissionDenied for who may only read the model."""
    return _export_of(get_model_to_edit(user, model_id), pk)


def _export_of(model, pk):
    row = ModelExport.objects.filter(model=model, pk=pk).select_related("job").first()
    if row is None:
        raise Http404("This model has no such export.")
    row.model = model
    return row
