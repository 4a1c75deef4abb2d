"""int8 for serving: what is quantized, what is not, and that it answers."""

import pytest

from apps.inference.runtime import load
from apps.models.engine.answering import CannotDo
from apps.models.engine.quantize import give_up_in_time
from apps.models.tests.labelled_drawings import labelled_drawings
from apps.models.tests.test_export import export
from apps.models.tests.tiny_weights import tiny_weights


@pytest.mark.once
@pytest.mark.parametrize("family", ["yolo26n", "yolov8n-seg"])
def test_all_but_the_last_convolutions_is_quantized_and_it_answers(family, tmp_path):
    import openvino

    drawings = labelled_drawings()
    picture = str(drawings / "images/val/0.png")
    done, events = export(
        tmp_path, weights=str(tiny_weights() / f"{family}.pt"), format="openvino-int8",
        calibrate=str(drawings / "data.yaml"), check_images=[picture],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shares = [event["progress"] for event in events[:-1]]
    assert shares == sorted(shares)
    assert (events[-1]["metadata"]["format"], events[-1]["metadata"]["precision"]) == ("openvino", "int8")
    model = openvino.Core().read_model(tmp_path / "out" / "model.xml")
    layers = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    plain = {node.get_friendly_name() for node in layers if not _is_quantized(node)}
    branches = {"yolo26n": 6, "yolov8n-seg": 11}[family]  # boxes, classes (and masks) of three scales; dfl, prototypes
    assert len(plain) == branches
    assert len(layers) > 50
    assert load(tmp_path / "out", precision="int8").predict(picture, conf=0.01).boxes


def _is_quantized(node):
    return node.input_value(1).get_node().get_type_name() != "Constant"  # its weights are scaled from int8


def test_without_training_images_it_is_refused_in_words(tmp_path):
    done, events = export(tmp_path, weights=str(tiny_weights() / "yolov8n.pt"), also={"openvino-int8": "int8"})
    assert done.returncode == 1
    assert events[-1]["message"] == "int8 is calibrated on training images, and there are none."


def test_what_would_take_too_long_is_given_up_and_fewer_images_are_answered(tmp_path):
    drawings = labelled_drawings()
    pictures = [str(path) for path in sorted((drawings / "images/val").iterdir())[:3]]
    done, events = export(
        tmp_path, weights=str(tiny_weights() / "yolov8n.pt"), also={"openvino-int8": str(tmp_path / "int8")},
        calibrate=str(drawings / "data.yaml"), patience=0.001, check_images=pictures, check_without_int8=2,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Choose int8 for the deployment" in events[-1]["also"]["openvino-int8"]["error"]
    assert [image["path"] for image in events[-1]["reference"]["images"]] == pictures[:2]
    assert not (tmp_path / "int8").exists()


@pytest.mark.parametrize(("done", "seconds", "patience"), [(9, 900, 120), (10, 3.9, 120), (10, 900, None)])
def test_it_goes_on_while_it_is_quick_or_not_judged_yet_or_asked_for(done, seconds, patience):
    give_up_in_time(done, 300, seconds, patience)


def test_the_words_say_how_long_it_would_take():
    with pytest.raises(CannotDo, match=r"machine 10\.0 minutes, and where nobody asked for int8 it is given 2"):
        give_up_in_time(10, 300, 20, 120)
