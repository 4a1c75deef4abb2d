"""What is said before a training is queued: presets, time, memory, health, refusals."""

import pytest

from apps.training import services
from apps.training.devices import device_choices, device_problems
from apps.training.estimate import estimate_time, fitting_batch, memory_mb
from apps.training.machine import Gpu, Machine, this_machine, trainer_machine
from apps.training.models import TrainingEpoch, TrainingJob
from apps.training.presets import presets
from apps.training.registry import architectures
from apps.training.services.payload import engine_arguments

from .test_jobs import WANTED, ask, sent  # noqa: F401

CPU = Machine(2, 8_000)
GPU = Machine(8, 32_000, (Gpu("RTX 4090", 24_000),))
TWO = Machine(8, 32_000, (Gpu("A", 16_000), Gpu("B", 16_000)))
IMAGES = {"train": 400, "val": 100}
NANO, LARGE = architectures()["yolo11n"], architectures()["rtdetr-x"]


# --- devices and batch ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("device", "batch", "machine", "field", "word"),
    [
        ("0", 16, CPU, "device", "no GPU"),
        ("2", 16, TWO, "device", "GPU 0 to 1"),
        ("0,0", 16, TWO, "device", "once"),
        ("mps", 16, TWO, "device", "Accepted"),
        ("0;rm", 16, TWO, "device", "Accepted"),
        ("0,1", 15, TWO, "batch_size", "nearest is 14"),
        ("0,1", -1, TWO, "batch_size", "multiple of 2"),
    ],
)
def test_a_device_that_cannot_work_is_refused(device, batch, machine, field, word):
    assert word in device_problems(device, batch, machine)[field]


@pytest.mark.parametrize(
    ("device", "batch", "machine"),
    [("auto", -1, CPU), ("cpu", 16, GPU), ("0", -1, GPU), ("0,1", 16, TWO), ("3", 8, CPU._replace(known=False))],
)
def test_a_device_that_can_work_is_taken(device, batch, machine):
    assert device_problems(device, batch, machine) == {}


def test_only_devices_that_are_there_are_offered():
    assert [value for value, _ in device_choices(CPU)] == ["auto", "cpu"]
    assert [value for value, _ in device_choices(TWO)] == ["auto", "cpu", "0", "1", "0,1"]


def test_the_engine_is_given_the_devices_and_a_batch_that_it_can_use(ready_dataset, alice, sent, monkeypatch):  # noqa: F811
    job = TrainingJob(model_type="yolo11n", epochs=3, batch_size=-1, img_size=64, patience=5, arguments={"mosaic": 0.5})
    monkeypatch.setattr("apps.training.services.payload.this_machine", lambda: CPU)
    assert engine_arguments(job, 400) == {
        "epochs": 3, "batch": 16, "imgsz": 64, "patience": 5, "seed": 0, "mosaic": 0.5,
    }  # fmt: skip
    monkeypatch.setattr("apps.training.services.payload.this_machine", lambda: TWO)
    assert engine_arguments(job, 400)["batch"] == -1
    job.device, job.batch_size, job.learning_rate, job.model_type = "0,1", 16, 0.01, "rtdetr-l"
    given = engine_arguments(job, 400)
    assert (given["device"], given["lr0"], given["optimizer"], given["amp"]) == ("0,1", 0.01, "AdamW", False)


def test_the_batch_that_fits_a_cpu_shrinks_with_memory_and_with_few_images():
    assert fitting_batch(NANO, 640, 1000, CPU) == 16
    assert fitting_batch(NANO, 640, 20, CPU) == 4
    assert fitting_batch(LARGE, 640, 1000, CPU) < 4
    assert fitting_batch(LARGE, 1280, 0, Machine(1, 500)) == 1


# --- time and memory -----------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_time_grows_with_all_that_makes_it_longer():
    def seconds(model=NANO, size=320, epochs=10, train=400):
        return estimate_time(model, size, epochs, train, 100, CPU, gpu=False).seconds

    assert seconds() < seconds(epochs=20) < seconds(epochs=20, size=640) < seconds(LARGE, epochs=20, size=640)
    assert seconds() < seconds(train=800)
    guess = estimate_time(NANO, 320, 10, 400, 100, CPU, gpu=False)
    assert "rough guess" in guess.how
    assert guess.low < guess.seconds < guess.high


def measured(job, seconds, **about):
    job.environment = {"device": "cpu", "gflops": 2.0, "train_images": 400, "val_images": 100} | about
    job.current_epoch = 4
    job.save()
    for epoch in range(1, 5):
        TrainingEpoch.objects.create(job=job, epoch=epoch, seconds=500 if epoch == 1 else seconds)


def test_earlier_jobs_on_the_same_kind_of_device_correct_the_guess(ready_dataset, alice, sent):  # noqa: F811
    job = services.create_job(alice, ready_dataset, **WANTED, patience=5)
    model = architectures()[job.model_type]
    measured(job, 60, gflops=model.gflops * (job.img_size / 640) ** 2)
    guess = estimate_time(model, job.img_size, 10, 400, 100, CPU, gpu=False)
    assert guess.epoch_seconds == pytest.approx(60, rel=0.01)
    assert guess.high / guess.seconds < 1.5
    assert "the last training of yolov8n at 64 px" in guess.how
    other = estimate_time(NANO, 320, 10, 400, 100, CPU, gpu=False)
    assert other.high / other.seconds > 2
    assert "on a CPU" in other.how
    assert "rough guess" in estimate_time(model, job.img_size, 10, 400, 100, GPU, gpu=True).how


def test_a_short_run_on_few_images_does_not_make_a_long_one_on_many_seem_longer_than_it_is(
    ready_dataset, alice, sent  # noqa: F811
):  # fmt: skip
    job = services.create_job(alice, ready_dataset, **WANTED, patience=5)
    model = architectures()[job.model_type]
    measured(job, 1.9, gflops=0.02, train_images=14, val_images=64)  # as measured: nearly all of it fixed
    guess = estimate_time(model, job.img_size, 10, 280, 64, CPU, gpu=False)
    assert guess.epoch_seconds < 1.5 * (1 + guess.usual)
    TrainingEpoch.objects.filter(epoch=3).update(seconds=1000)  # one that something else held up
    assert estimate_time(model, job.img_size, 10, 280, 64, CPU, gpu=False) == guess


def test_memory_grows_with_batch_and_size():
    assert memory_mb(NANO, 320, 8, gpu=False) < memory_mb(NANO, 640, 8, gpu=False) < memory_mb(NANO, 640, 16, gpu=False)


@pytest.mark.django_db
def test_what_would_need_far_more_memory_than_there_is_is_refused_and_what_might_is_warned_of():
    wanted = {"img_size": 640, "epochs": 1, "batch_size": 64}
    refused = services.outlook(LARGE, IMAGES, CPU, **wanted)
    assert "GB" in refused.problems["batch_size"]
    risky = services.outlook(NANO, IMAGES, Machine(2, 13_000), **wanted | {"batch_size": 40})
    assert not risky.problems
    assert any("may run out" in warning for warning in risky.warnings)
    fine = services.outlook(NANO, IMAGES, CPU, **wanted | {"batch_size": 8})
    assert (fine.problems, fine.warnings) == ({}, [])


def test_the_api_refuses_before_it_queues_what_would_run_out_of_memory(api_as, alice, ready_dataset, sent, monkeypatch):  # noqa: F811
    monkeypatch.setattr("apps.training.services.jobs.trainer_machine", lambda: CPU)
    answer = ask(api_as(alice), ready_dataset, model_type="rtdetr-x", batch_size=256, img_size=1280)
    assert (answer.status_code, list(answer.json())) == (400, ["batch_size"])
    answer = ask(api_as(alice), ready_dataset, device="1")
    assert (answer.status_code, list(answer.json())) == (400, ["device"])
    assert not TrainingJob.objects.exists()
    answer = ask(api_as(alice), ready_dataset, device="cpu", batch_size=-1)
    assert (answer.status_code, answer.json()["device"], answer.json()["batch_size"]) == (201, "cpu", -1)
    assert ask(api_as(alice), ready_dataset, batch_size=0).status_code == 400


def test_the_machine_is_the_one_that_the_newest_trainer_told_of(ready_dataset, alice, sent, settings):  # noqa: F811
    assert trainer_machine() == this_machine()
    settings.REDIS_URL = "redis://elsewhere"
    assert not trainer_machine().known
    job = services.create_job(alice, ready_dataset, **WANTED, patience=5)
    gpus = [{"name": "RTX 4090", "memory_mb": 24_000}]
    job.environment = {"machine": {"cores": 8, "memory_mb": 32_000, "gpus": gpus}}
    job.save()
    assert trainer_machine() == GPU


# --- presets -------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_presets_know_the_device_and_the_dataset():
    quick, balanced, best = presets(IMAGES, 1600, CPU)
    assert (quick.values["model_type"], balanced.values["model_type"], best.values["model_type"]) == (
        "yolo11n", "yolo11n", "yolo11s",
    )  # fmt: skip
    assert (quick.values["img_size"], balanced.values["img_size"]) == (320, 640)
    assert not balanced.values["fit_batch"]
    assert "no GPU" in balanced.says
    quick, balanced, best = presets(IMAGES, 1600, GPU)
    assert (best.values["model_type"], best.values["img_size"], best.values["fit_batch"]) == ("yolo11l", 960, True)
    small = presets({"train": 12, "val": 4}, 70, CPU)[1].values
    assert (small["img_size"], small["batch_size"]) == (64, 2)
    assert presets({"train": 50_000, "val": 100}, 640, CPU)[0].values["fraction"] == 0.02


@pytest.mark.parametrize("machine", [CPU, GPU])
def test_each_preset_is_accepted_by_the_form_as_it_stands(page_as, alice, ready_dataset, sent, machine, monkeypatch):  # noqa: F811
    for place in ("views", "services.jobs"):
        monkeypatch.setattr(f"apps.training.{place}.trainer_machine", lambda: machine)
    browser, url = page_as(alice), f"/training/new?dataset={ready_dataset.pk}"
    for preset in presets({"train": 4, "val": 2}, 64, machine):
        page = browser.get(f"{url}&preset={preset.key}").content.decode()
        assert preset.says in page
        values = {name: value for name, value in preset.values.items() if value is not False}
        assert browser.post(url, values | {"patience": preset.values["patience"], "seed": 0}).status_code == 302
    assert TrainingJob.objects.filter(arguments={"cos_lr": True, "close_mosaic": 20}).count() == 1


# --- the live fragment and the health of the data ------------------------------------------------------------
PLAN = {
    "model_type": "yolo11n",
    "weights": "scratch",
    "epochs": 3,
    "batch_size": 4,
    "img_size": 64,
    "patience": 5,
    "seed": 0,
}


def test_the_fragment_says_what_to_expect_as_settings_change(page_as, alice, ready_dataset):
    browser, url = page_as(alice), f"/training/plan?dataset={ready_dataset.pk}"
    page = browser.get(url, PLAN | {"dataset": ready_dataset.pk}).content.decode()
    assert "<html" not in page
    for words in ("2.6 million", "AGPL-3.0", "4 images a step", "rough guess", "Starts from nothing"):
        assert words in page
    page = browser.get(url, PLAN | {"dataset": ready_dataset.pk, "img_size": 100}).content.decode()
    assert "the nearest are 96 and 128" in page
    page = browser.get(url, PLAN | {"dataset": ready_dataset.pk, "batch_size": 1024, "img_size": 4096}).content.decode()
    assert "This cannot work." in page
    assert browser.get("/training/plan").status_code == 404
    assert browser.get("/training/plan?dataset=x&epochs=%00").status_code == 404


def test_an_outsider_learns_nothing_by_the_fragment(page_as, carol, bob, ready_dataset):
    assert page_as(carol).get("/training/plan", {"dataset": ready_dataset.pk}).status_code == 404
    ready_dataset.is_public = True
    ready_dataset.save()
    assert page_as(bob).get("/training/plan", PLAN | {"dataset": ready_dataset.pk}).status_code == 200


def test_starting_from_a_model_takes_its_architecture_in_the_fragment_too(page_as, alice, ready_dataset, trained_model):
    wanted = PLAN | {"dataset": ready_dataset.pk, "weights": trained_model.pk, "model_type": "yolo26x"}
    page = page_as(alice).get("/training/plan", wanted).content.decode()
    assert "its architecture, yolov8n, is taken over" in page
    assert "YOLOv8n" in page


def test_a_model_of_an_unknown_architecture_is_no_start(api_as, page_as, alice, ready_dataset, trained_model, sent):  # noqa: F811
    trained_model.model_type = "mine"
    trained_model.save()
    answer = ask(api_as(alice), ready_dataset, weights=str(trained_model.pk))
    assert (answer.status_code, list(answer.json())) == (400, ["model_type"])
    wanted = PLAN | {"dataset": ready_dataset.pk, "weights": trained_model.pk}
    assert "cannot be trained here" in page_as(alice).get("/training/plan", wanted).content.decode()


def test_health_names_few_images_empty_classes_and_no_test_split(ready_dataset):
    from apps.datasets.services.classes import add_class

    add_class(ready_dataset, "never")
    ready_dataset.refresh_from_db()
    words = " ".join(services.health_warnings(ready_dataset))
    for part in ("Only 4 labelled images", "Only 2 to measure on", "No test split", "“never”", "fewer than 20 boxes"):
        assert part in words


def test_a_job_says_what_the_batch_that_fits_came_to_be():
    assert TrainingJob(batch_size=8).batch_in_words == "8"
    assert TrainingJob(batch_size=-1).batch_in_words == "as large as fits"
    assert TrainingJob(batch_size=-1, environment={"batch": 16}).batch_in_words == "as large as fits: 16"
