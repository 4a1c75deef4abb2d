"""The operator's tables of models and predictions: searchable, read only where needed, a door to the same services."""

import pytest
from django.contrib import admin
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from apps.inference.models import Capture, Deployment, Switch
from apps.models.models import Evaluation, ModelLine, TrainedModel

OURS = [model._meta for model in admin.site._registry if model._meta.app_label in ("models", "inference")]
WRITTEN_BY_HAND = {"deployment", "trainedmodel", "modelline", "modeltag"}


@pytest.fixture
def desk(operator, page_as):
    """The operator's browser."""
    return page_as(operator)


@pytest.mark.parametrize("meta", OURS, ids=[meta.model_name for meta in OURS])
def test_every_table_opens_and_can_be_searched(meta, desk, deployment):
    for query in ("", "?q=cells", "?q=%00"):
        assert desk.get(f"/admin/{meta.app_label}/{meta.model_name}/{query}").status_code == 200
    is_made_by_hand = meta.model_name == "modeltag"
    assert desk.get(f"/admin/{meta.app_label}/{meta.model_name}/add/").status_code == (200 if is_made_by_hand else 403)
    may_change = admin.site._registry[meta.model].has_change_permission(_request(desk))
    assert may_change == (meta.model_name in WRITTEN_BY_HAND)


def _request(desk):
    return desk.get("/admin/").wsgi_request


def test_what_describes_the_weights_cannot_be_changed_by_hand(desk, deployment):
    model = deployment.model
    tags = {f"tags-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")}
    sent = {"description": "Looked at", "licence": "MIT", "class_names": '["x"]', "img_size": 9, "is_deployed": ""}
    assert desk.post(f"/admin/models/trainedmodel/{model.pk}/change/", sent | tags).status_code == 302
    changed = TrainedModel.objects.get(pk=model.pk)
    assert (changed.description, changed.licence) == ("Looked at", "MIT")
    assert (changed.class_names, changed.img_size, changed.is_deployed) == (["red", "white"], 64, True)


def test_a_model_deleted_at_the_desk_takes_its_files_along_and_a_deployed_one_stays(
    desk, deployment, versions, django_capture_on_commit_callbacks
):
    table = "/admin/models/trainedmodel/"
    files = [versions[1].file.name, versions[1].serving_file.name]
    assert all(default_storage.exists(name) for name in files)
    chosen = {"action": "delete_selected", "_selected_action": [one.pk for one in versions], "post": "yes"}
    with django_capture_on_commit_callbacks(execute=True):
        told = desk.post(table, chosen, follow=True).content.decode()
    assert "Nothing was deleted." in told
    assert "is deployed: programs call it" in told
    assert "uccessfully" not in told
    assert TrainedModel.objects.count() == 2
    assert all(default_storage.exists(name) for name in files)
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(table, chosen | {"_selected_action": [versions[1].pk]}, follow=True)
    assert list(TrainedModel.objects.all()) == [versions[0]]
    assert not any(default_storage.exists(name) for name in files)
    told = desk.post(f"{table}{versions[0].pk}/delete/", {"post": "yes"}, follow=True).content.decode()
    assert "is deployed: programs call it" in told
    assert "uccessfully" not in told
    assert TrainedModel.objects.exists()


def test_a_deployment_is_paused_and_let_answer_by_the_service_of_its_page(desk, deployment):
    address = f"/admin/inference/deployment/{deployment.pk}/change/"
    desk.post(address, {"description": "by the operator", "name": "Stolen", "is_public": "on"})
    changed = Deployment.objects.get()
    assert (changed.description, changed.name) == ("by the operator", "Cells")
    assert (changed.is_active, changed.is_public) == (False, True)
    TrainedModel.objects.update(is_deployed=False)
    desk.post(address, {"description": "", "is_active": "on"})
    assert TrainedModel.objects.get(pk=deployment.model_id).is_deployed  # as on its page: the model serves again
    desk.post(f"/admin/inference/deployment/{deployment.pk}/delete/", {"post": "yes"})
    assert not TrainedModel.objects.get(pk=deployment.model_id).is_deployed


def test_history_is_only_read(desk, deployment, dataset, alice):
    switch = Switch.objects.create(deployment=deployment, new=deployment.model, by=alice)
    capture = Capture.objects.create(deployment=deployment, dataset=dataset, user=alice)
    for row in (switch, capture):
        address = f"/admin/inference/{row._meta.model_name}/{row.pk}/change/"
        assert desk.get(address).status_code == 200
        assert desk.post(address, {"state": "done", "max_images": 1}).status_code == 403


def test_an_evaluation_deleted_at_the_desk_takes_its_file_along_and_a_line_its_versions(
    desk, versions, django_capture_on_commit_callbacks
):
    model = versions[0]
    name = default_storage.save("evaluations/test.gz", ContentFile(b"images"))
    measured = Evaluation.objects.create(model=model, dataset_version=model.dataset_version, split="val", images=name)
    with django_capture_on_commit_callbacks(execute=True):
        answer = desk.post(f"/admin/models/evaluation/{measured.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 302
    assert not Evaluation.objects.exists()
    assert not default_storage.exists(name)
    Evaluation.objects.create(model=model, dataset_version=model.dataset_version, split="val")
    assert desk.post(f"/admin/models/modelline/{model.line_id}/delete/", {"post": "yes"}).status_code == 302
    assert not TrainedModel.objects.exists()
    assert not ModelLine.objects.exists()
