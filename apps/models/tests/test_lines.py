"""Names, numbered versions, stages, tags, lineage: the services and their doors."""

import pytest

from apps.core.models import Job
from apps.models import services
from apps.models.models import ModelLine, TrainedModel


def another(model, owner=None, content=b"other weights", **more):
    """One more version of the model's line, or of the line of that name of another owner."""
    values = {"model_type": "yolov8n", "class_names": ["red", "white"], "img_size": 64, "metrics": {}} | more
    path = another.folder / "more.pt"
    path.write_bytes(content)
    return services.register_model(owner=owner or model.owner, name=model.name, weights=path, **values)


@pytest.fixture(autouse=True)
def folder(tmp_path):
    another.folder = tmp_path


def test_same_name_adds_a_version_and_each_owner_counts_for_themselves(trained_model, bob):
    assert (trained_model.number, another(trained_model).number, another(trained_model).number) == (1, 2, 3)
    assert another(trained_model, owner=bob).title == "Cells v1 v1"
    assert ModelLine.objects.count() == 2


def test_number_of_a_deleted_version_is_not_given_again(trained_model):
    second = another(trained_model)
    services.delete_model(second)
    assert another(trained_model).number == 3


def test_line_goes_with_its_last_version(trained_model):
    services.delete_model(trained_model)
    assert not ModelLine.objects.exists()


def test_same_training_again_keeps_its_number_and_takes_the_new_weights(trained_model):
    first = another(trained_model, training_id=7)
    again = another(trained_model, training_id=7, content=b"better weights")
    assert (again.pk, again.number) == (first.pk, 2)
    assert again.sha256 != first.sha256
    assert another(trained_model).number == 3


def test_new_name_is_that_of_all_versions(api_as, alice, trained_model):
    second = another(trained_model)
    api = api_as(alice)
    assert api.patch(f"/api/v1/models/{trained_model.pk}", {"name": "Blood"}, format="json").status_code == 200
    assert api.get(f"/api/v1/models/{second.pk}").json()["name"] == "Blood"


def test_name_of_another_line_is_refused_and_changes_nothing(api_as, page_as, alice, trained_model, tmp_path):
    (tmp_path / "x.pt").write_bytes(b"x")
    services.register_model(
        owner=alice, name="Taken", model_type="x", weights=tmp_path / "x.pt", class_names=["a"], img_size=64
    )
    answer = api_as(alice).patch(
        f"/api/v1/models/{trained_model.pk}", {"stage": "live", "name": "Taken"}, format="json"
    )
    assert answer.status_code == 400
    assert "another model “Taken”" in answer.json()["name"][0]
    values = {"name": "Taken", "stage": "live", "description": "", "tags": "", "licence": ""}
    page = page_as(alice).post(f"/models/{trained_model.pk}/edit", values)
    assert page.status_code == 400
    assert "another model “Taken”" in page.content.decode()
    trained_model.refresh_from_db()
    assert (trained_model.name, trained_model.stage) == ("Cells v1", "candidate")


def test_one_version_of_a_line_is_live(page_as, alice, trained_model):
    second = another(trained_model)
    for model in (trained_model, second):
        page_as(alice).post(f"/models/{model.pk}/stage", {"stage": "live"})
    assert list(trained_model.line.versions.order_by("number").values_list("stage", flat=True)) == ["candidate", "live"]


def test_archived_models_leave_the_lists_unless_asked_for(api_as, page_as, alice, trained_model):
    services.set_stage(trained_model, "archived")
    api, page = api_as(alice), page_as(alice)
    assert [api.get(f"/api/v1/models{q}").json()["count"] for q in ("", "?stage=archived", "?stage=all")] == [0, 1, 1]
    assert "Cells v1" not in page.get("/models/").content.decode()
    assert "Cells v1" in page.get("/models/?stage=all").content.decode()
    assert api.get(f"/api/v1/models/{trained_model.pk}").status_code == 200
    assert api.get("/api/v1/models?stage=gone").status_code == 400


def test_archived_model_cannot_be_deployed_and_a_deployed_one_not_archived(api_as, page_as, alice, trained_model):
    services.set_stage(trained_model, "archived")
    answer = api_as(alice).post(f"/api/v1/models/{trained_model.pk}/deploy")
    assert answer.status_code == 409
    assert "archived" in answer.json()["detail"]
    assert (
        "archived" in page_as(alice).post(f"/models/{trained_model.pk}/deploy", HTTP_HX_REQUEST="true").content.decode()
    )
    assert not Job.objects.filter(kind="deploy").exists()
    services.set_stage(trained_model, "candidate")
    TrainedModel.objects.filter(pk=trained_model.pk).update(is_deployed=True)
    with pytest.raises(services.StageRefused, match="Undeploy it first"):
        services.set_stage(trained_model, "archived")


def test_model_that_is_archived_while_its_export_is_proven_does_not_serve(trained_model):
    services.set_stage(trained_model, "archived")
    with pytest.raises(services.NotDeployable):
        services.mark_deployed(trained_model, "x.tar", {}, None)
    trained_model.refresh_from_db()
    assert not trained_model.is_deployed


def test_tags_are_set_as_a_whole_and_found(api_as, alice, trained_model):
    api = api_as(alice)
    path = f"/api/v1/models/{trained_model.pk}"
    assert api.patch(path, {"tags": ["Night", " best  one ", "night"]}, format="json").json()["tags"] == [
        "best one", "night",
    ]  # fmt: skip
    assert [api.get(f"/api/v1/models?tag={tag}").json()["count"] for tag in ("NIGHT", "day")] == [1, 0]
    assert api.patch(path, {"tags": ["night"]}, format="json").json()["tags"] == ["night"]
    refused = api.patch(path, {"tags": ["a,b"]}, format="json")
    assert (refused.status_code, "comma" in refused.json()["tags"][0]) == (400, True)
    assert api.patch(path, {"tags": [f"t{n}" for n in range(21)]}, format="json").status_code == 400


def test_list_is_filtered_by_dataset_and_text(api_as, page_as, alice, carol, trained_model, ready_dataset):
    api = api_as(alice)
    trained_model.description = "for the night shift"
    trained_model.save()
    queries = (
        f"dataset={ready_dataset.pk}",
        "search=NIGHT+shift",
        "search=yolov8",
        "search=nowhere",
        "origin=uploaded",
    )
    assert [api.get(f"/api/v1/models?{q}").json()["count"] for q in queries] == [1, 1, 1, 0, 0]
    assert api_as(carol).get(f"/api/v1/models?dataset={ready_dataset.pk}").status_code == 400
    page = page_as(alice).get("/models/?search=nowhere").content.decode()
    assert "Nothing found" in page
    assert f'<option value="{ready_dataset.pk}"' in page


def test_lineage_leads_both_ways(api_as, page_as, alice, trained_model, ready_dataset):
    child = another(trained_model, parent=trained_model, dataset_version=trained_model.dataset_version)
    api = api_as(alice)
    found = api.get(f"/api/v1/models/{trained_model.pk}/lineage").json()
    assert found["dataset_version"]["dataset_id"] == ready_dataset.pk
    assert [row["version"] for row in found["children"]] == [2]
    assert found["deployments"] == []
    assert api.get(f"/api/v1/models/{child.pk}/lineage").json()["parent"]["id"] == trained_model.pk
    page = page_as(alice).get(f"/models/{child.pk}/").content.decode()
    assert "began with" in page
    versions = page_as(alice).get(f"/models/of-dataset/{ready_dataset.pk}").content.decode()
    assert versions.count("Cells v1 v") == 2


def test_lineage_does_not_show_what_is_not_ones_own(api_as, page_as, bob, trained_model, ready_dataset):
    child = another(trained_model, parent=trained_model, dataset_version=trained_model.dataset_version, is_public=True)
    TrainedModel.objects.filter(pk=child.pk).update(training_id=5)
    found = api_as(bob).get(f"/api/v1/models/{child.pk}/lineage").json()
    assert (found["dataset_version"], found["parent"], found["training_id"]) == (None, None, None)
    page = page_as(bob).get(f"/models/{child.pk}/").content.decode()
    assert "a dataset you cannot see" in page
    assert f"/datasets/{ready_dataset.pk}/" not in page


def test_lineage_names_the_deployments_that_one_may_see(api_as, page_as, alice, bob, trained_model):
    owned = {"owner": alice, "model": trained_model}
    shown, hidden = (trained_model.deployments.create(name=name, **owned) for name in ("belt", "attic"))
    type(shown).objects.filter(pk=shown.pk).update(is_public=True)
    TrainedModel.objects.filter(pk=trained_model.pk).update(is_public=True)
    for person, names in ((alice, ["attic", "belt"]), (bob, ["belt"])):
        found = api_as(person).get(f"/api/v1/models/{trained_model.pk}/lineage").json()["deployments"]
        assert [one["name"] for one in found] == names
        page = page_as(person).get(f"/models/{trained_model.pk}/").content.decode()
        assert f'href="/deployments/{shown.pk}"' in page
        assert (f'href="/deployments/{hidden.pk}"' in page) is (person == alice)


def test_all_files_of_a_model_are_told_with_size_and_hash(api_as, page_as, alice, trained_model):
    trained_model.exports.create(
        format="onnx", img_size=64, file="models/exports/1/a.onnx", num_bytes=5, sha256="e" * 64
    )
    trained_model.exports.create(format="ncnn", img_size=64)  # was never made
    serving = {"num_bytes": 7, "sha256": "b" * 64}
    trained_model.builds.create(precision="int8", img_size=64, file="models/x/openvino-int8-64.tar", serving=serving)
    files = api_as(alice).get(f"/api/v1/models/{trained_model.pk}").json()["files"]
    assert [(one["what"], one["size"], one["sha256"]) for one in files] == [
        ("the weights", 18, trained_model.sha256), ("what serves, int8, 64 px", 7, "b" * 64),
        ("export to onnx, fp32, 64 px", 5, "e" * 64),
    ]  # fmt: skip
    assert "e" * 64 in page_as(alice).get(f"/models/{trained_model.pk}/").content.decode()


def test_card_and_files_are_told(api_as, alice, trained_model):
    found = api_as(alice).get(f"/api/v1/models/{trained_model.pk}").json()
    assert found["files"] == [
        {"name": "best.pt", "what": "the weights", "size": 18, "sha256": trained_model.sha256}
    ]  # fmt: skip
    assert (found["version"], found["stage"], found["origin"], found["format"]) == (1, "candidate", "trained", "pt")


@pytest.mark.parametrize("path", ["edit", "stage", "delete"])
def test_only_the_owner_changes_a_model(page_as, bob, carol, trained_model, path):
    address = f"/models/{trained_model.pk}/{path}"
    assert page_as(carol).post(address, {"stage": "live"}).status_code == 404
    TrainedModel.objects.filter(pk=trained_model.pk).update(is_public=True)
    assert page_as(bob).post(address, {"stage": "live"}).status_code == 403
    trained_model.refresh_from_db()
    assert trained_model.stage == "candidate"


def test_outsider_finds_no_lineage_and_no_models_of_a_dataset(api_as, page_as, carol, trained_model, ready_dataset):
    assert api_as(carol).get(f"/api/v1/models/{trained_model.pk}/lineage").status_code == 404
    assert api_as(carol).patch(f"/api/v1/models/{trained_model.pk}", {"tags": ["x"]}, format="json").status_code == 404
    assert page_as(carol).get(f"/models/of-dataset/{ready_dataset.pk}").status_code == 404


def test_archived_model_is_not_offered_to_begin_a_training_with(api_as, alice, trained_model, ready_dataset):
    services.set_stage(trained_model, "archived")
    values = {"dataset_id": ready_dataset.pk, "model_type": "yolov8n", "weights": str(trained_model.pk), "epochs": 1}
    answer = api_as(alice).post("/api/v1/training", values, format="json")
    assert answer.status_code == 400
    assert "weights" in answer.json()


def test_model_made_elsewhere_is_proven_on_the_validation_images_that_it_was_measured_on(evaluation):
    model = evaluation.model
    TrainedModel.objects.filter(pk=model.pk).update(dataset_version=None)
    model.refresh_from_db()
    assert services.version_to_prove_on(model) == evaluation.dataset_version
    evaluation.delete()
    assert services.version_to_prove_on(model) is None
