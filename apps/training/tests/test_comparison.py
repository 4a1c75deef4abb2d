"""How models were trained, side by side."""

import json

from apps.models.models import TrainedModel
from apps.training.models import TrainingEpoch, TrainingJob


def test_settings_that_differ_and_epochs_come_from_the_trainings_that_one_may_see(
    page_as, alice, carol, trained_model, ready_dataset
):
    second = TrainedModel.objects.create(
        owner=alice, line=trained_model.line, number=2, dataset_version=trained_model.dataset_version
    )
    for model, epochs in ((trained_model, 3), (second, 5)):
        job = TrainingJob.objects.create(
            user=alice, dataset=ready_dataset, dataset_version=model.dataset_version, model=model, name=model.name,
            model_type="yolov8n", epochs=epochs, batch_size=4, img_size=64, patience=3,
            arguments={"mixup": epochs / 10},
        )  # fmt: skip
        TrainingEpoch.objects.create(job=job, epoch=1, metrics={"mAP50_95": 0.1 * epochs})
    address = f"/training/compared?models={trained_model.pk},{second.pk}"
    page = page_as(alice).get(address).content.decode()
    different, same = page.split("Settings that are the same")
    assert "<td>mixup</td>" in different
    assert "<td>Epochs</td>" in different
    assert "<td>Batch size</td>" in same
    epochs = json.loads(page.split('id="compare-epochs" type="application/json">')[1].split("</script>")[0])
    assert [(row["name"], row["epochs"]) for row in epochs] == [("Cells v1 v1", [1]), ("Cells v1 v2", [1])]
    assert "You can see none of the trainings" in page_as(carol).get(address).content.decode()
    assert page_as(carol).get("/training/compared?models=x").status_code == 200
