import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.annotations.models import VersionComparison
from apps.annotations.services import comparisons as service
from apps.annotations.services import versions as version_service
from apps.annotations.services.comparisons import comparison_of, page_of, work_out
from apps.annotations.services.labels import save_labels
from apps.annotations.services.versions import create_version
from apps.core.models import Job
from apps.datasets import services as datasets
from apps.datasets.models import Dataset
from conftest import box, upload


def label(dataset, place, *items, **more):
    """Save the labels of the image at this place."""
    image = dataset.images.order_by("pk")[place]
    image.dataset = dataset
    save_labels(image, image.revision, list(items), dataset.owner, **more)


@pytest.fixture
def changed(ready_dataset, alice):
    """(version 1, version 2): an image more, one less, one moved, three relabelled; a class renamed, one more."""
    first, _ = create_version(ready_dataset, alice)
    images = list(ready_dataset.images.order_by("pk"))
    label(ready_dataset, 0, box(1), box(0, x=0.2))  # its box has another class, and there is one more
    label(ready_dataset, 1, box(1, x=0.51))  # changed
    label(ready_dataset, 2)  # removed
    datasets.set_split(ready_dataset, ready_dataset.images.filter(pk=images[3].pk), "test")
    datasets.purge_images(ready_dataset, ready_dataset.images.filter(pk=images[4].pk))
    datasets.add_images(ready_dataset, [upload("new.png", seed=77)])
    datasets.rename_class(ready_dataset, 0, "bright red")
    datasets.add_class(ready_dataset, "blue")
    second, _ = create_version(ready_dataset, alice)
    return first, second


@pytest.fixture
def url(ready_dataset):
    return f"/api/v1/datasets/{ready_dataset.pk}/versions"


def test_two_versions_are_compared_in_figures_and_images(owner, url, changed):
    answer = owner.get(f"{url}/1/compare/2")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["from"], found["to"], found["identical"]) == (1, 2, False)
    assert found["images"] == {"added": 1, "removed": 1, "moved": 1, "relabelled": 3, "same": 1}
    assert found["boxes"] == {"added": 1, "removed": 2, "changed": 1, "reclassed": 1}
    assert found["moves"] == [{"from": "train", "to": "test", "images": 1}]
    assert [(row["name"], row["what"]) for row in found["classes"]] == [
        ("bright red", "renamed"), ("white", "same"), ("blue", "added"),
    ]  # fmt: skip
    assert [item["filename"] for item in found["listed"]["results"]] == ["new.png"]


@pytest.mark.parametrize(
    ("kind", "names"),
    [("added", {"new.png"}), ("removed", {"4.png"}), ("moved", {"3.png"}), ("relabelled", {"0.png", "1.png", "2.png"})],
)
def test_each_list_names_its_images(owner, url, changed, ready_dataset, kind, names):
    listed = owner.get(f"{url}/1/compare/2?kind={kind}").json()["listed"]
    assert (listed["kind"], listed["page"], listed["pages"]) == (kind, 1, 1)
    assert {item["filename"] for item in listed["results"]} == names
    present = dict(ready_dataset.images.values_list("filename", "pk"))
    assert all(item["image"] == present.get(item["filename"]) for item in listed["results"])


def test_other_way_round_what_was_added_is_removed(owner, url, changed):
    found = owner.get(f"{url}/2/compare/1").json()
    assert found["images"] == {"added": 1, "removed": 1, "moved": 1, "relabelled": 3, "same": 1}
    assert found["boxes"] == {"added": 2, "removed": 1, "changed": 1, "reclassed": 1}
    assert [item["filename"] for item in found["listed"]["results"]] == ["4.png"]


def test_lists_are_paged_by_where_their_pages_begin(owner, url, changed, monkeypatch):
    monkeypatch.setattr(service, "IMAGES_A_PAGE", 2)
    first = owner.get(f"{url}/1/compare/2?kind=relabelled").json()["listed"]
    second = owner.get(f"{url}/1/compare/2?kind=relabelled&page=2").json()["listed"]
    assert (first["pages"], len(first["results"]), len(second["results"])) == (2, 2, 1)
    assert len({item["sha256"] for item in first["results"] + second["results"]}) == 3
    assert owner.get(f"{url}/1/compare/2?kind=relabelled&page=3").json()["listed"]["results"] == []


def test_comparison_is_worked_out_once(owner, url, changed, monkeypatch):
    owner.get(f"{url}/1/compare/2")
    monkeypatch.setattr(service, "work_out", lambda *args: pytest.fail("worked out twice"))
    assert owner.get(f"{url}/1/compare/2?kind=moved").status_code == 200


def test_comparison_with_now_is_renewed_when_the_dataset_changed(owner, url, ready_dataset, alice):
    create_version(ready_dataset, alice)
    assert owner.get(f"{url}/1/compare/now").json()["identical"]
    kept = VersionComparison.objects.get()
    assert owner.get(f"{url}/1/compare/now").json()["to"] == "now"
    label(ready_dataset, 0, box(1))
    found = owner.get(f"{url}/1/compare/now").json()
    assert found["boxes"]["reclassed"] == 1
    assert VersionComparison.objects.get().pk == kept.pk


def test_file_of_a_comparison_that_is_renewed_goes(ready_dataset, alice, django_capture_on_commit_callbacks):
    version, _ = create_version(ready_dataset, alice)
    with django_capture_on_commit_callbacks(execute=True):
        before = work_out(ready_dataset, version)
        name = before.file.name
        label(ready_dataset, 0, box(1))
        after = work_out(Dataset.objects.get(pk=ready_dataset.pk), version)
    assert not before.file.storage.exists(name)
    assert len(page_of(after, "relabelled", 1)) == 1


def test_large_versions_are_compared_by_a_job_and_one_is_enough(owner, url, changed, run_jobs, monkeypatch):
    monkeypatch.setattr(service, "AT_ONCE", 3)
    with run_jobs():
        answer = owner.get(f"{url}/1/compare/2")
        again = owner.get(f"{url}/1/compare/2")
        other = owner.get(f"{url}/2/compare/1")
    assert (answer.status_code, again.status_code) == (202, 202)
    assert answer.json()["id"] == again.json()["id"] != other.json()["id"]
    job = Job.objects.get(pk=answer.json()["id"])
    assert (job.status, job.error_message) == ("completed", "")
    assert job.result["summary"]["images"]["relabelled"] == 3
    assert owner.get(f"{url}/1/compare/2").json()["images"]["relabelled"] == 3


def test_job_of_a_dataset_that_was_deleted_meanwhile_says_so(ready_dataset, alice, changed, run_jobs, monkeypatch):
    monkeypatch.setattr(service, "AT_ONCE", 3)
    with run_jobs():
        _, job = comparison_of(alice, ready_dataset, changed[0])
        Dataset.objects.all().delete()
    job.refresh_from_db()
    assert (job.status, job.error_message) == ("failed", "The dataset is gone.")


# --- doors --------------------------------------------------------------------------------------------------
PATHS = ["/versions/1/compare/2", "/versions/1/compare/now"]


@pytest.mark.parametrize("path", PATHS)
def test_reader_may_compare_and_outsider_finds_nothing(api_as, page_as, bob, carol, changed, ready_dataset, path):
    pk = ready_dataset.pk
    assert api_as(carol).get(f"/api/v1/datasets/{pk}{path}").status_code == 404
    assert page_as(carol).get(f"/datasets/{pk}{path}").status_code == 404
    assert api_as().get(f"/api/v1/datasets/{pk}{path}").status_code == 401
    datasets.update_dataset(ready_dataset, is_public=True)
    assert api_as(bob).get(f"/api/v1/datasets/{pk}{path}").status_code == 200
    page = page_as(bob).get(f"/datasets/{pk}{path}")
    assert page.status_code == 200
    assert "Restore version" not in page.content.decode()


@pytest.mark.parametrize(
    ("query", "blamed"),
    [("kind=all", "kind"), ("page=0", "page"), ("page=-1", "page"), ("page=²", "page"), ("page=a", "page")],
)
def test_bad_wish_is_named(owner, url, changed, query, blamed):
    answer = owner.get(f"{url}/1/compare/2?{query}")
    assert (answer.status_code, set(answer.json())) == (400, {blamed})


def test_version_that_is_not_there_is_not_found(owner, page_as, alice, url, changed, ready_dataset):
    assert owner.get(f"{url}/1/compare/9").status_code == 404
    browser, page = page_as(alice), f"/datasets/{ready_dataset.pk}/versions"
    for path in ("1/compare/9", "9/compare/1", "1/compare/then", "1/compare/-1", "compare?from=x&to=1", "compare"):
        assert browser.get(f"{page}/{path}").status_code == 404
    assert browser.get(f"{page}/compare?from=1&to=now")["Location"] == f"{page}/1/compare/now"


def test_page_shows_figures_classes_and_thumbnails(page_as, alice, changed, ready_dataset):
    browser, page = page_as(alice), f"/datasets/{ready_dataset.pk}/versions/1/compare/2"
    words = browser.get(page).content.decode()
    assert "1 from train to test" in words
    assert "was “red”" in words
    assert "new.png" in words
    relabelled = browser.get(f"{page}?kind=relabelled", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in relabelled
    assert "mark-reclassed" in relabelled
    assert f"/datasets/{ready_dataset.pk}/images/" in relabelled
    assert "not in the dataset now" in browser.get(f"{page}?kind=removed").content.decode()


def test_page_of_a_large_comparison_leads_to_its_job(page_as, alice, changed, ready_dataset, run_jobs, monkeypatch):
    monkeypatch.setattr(service, "AT_ONCE", 3)
    browser, page = page_as(alice), f"/datasets/{ready_dataset.pk}/versions/1/compare/2"
    with run_jobs():
        answer = browser.get(page)
    job = Job.objects.get(kind="compare")
    assert answer["Location"] == f"/jobs/{job.pk}/"
    assert page in browser.get(answer["Location"]).content.decode()
    assert browser.get(page).status_code == 200


def test_page_makes_the_same_number_of_queries_for_one_image_and_for_many(page_as, alice, ready_dataset):
    browser, page = page_as(alice), f"/datasets/{ready_dataset.pk}/versions/1/compare/now?kind=added"
    create_version(ready_dataset, alice)

    def cost():
        browser.get(page)
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(page).status_code == 200
        return len(queries)

    datasets.add_images(ready_dataset, [upload("a.png", seed=100)])
    one = cost()
    datasets.add_images(ready_dataset, [upload(f"b{n}.png", seed=101 + n) for n in range(20)])
    assert cost() == one


def test_threshold_is_that_of_snapshots():
    assert service.AT_ONCE == version_service.AT_ONCE
