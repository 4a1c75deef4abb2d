"""The serving runtime: it answers as ultralytics does, refuses what is no image, bears load."""

import contextlib
import io
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from apps.inference.runtime import (
    BadImage,
    Gate,
    ModelError,
    Overloaded,
    RuntimeCache,
    compare,
    compare_many,
    load,
)
from apps.inference.runtime.pool import FLOOD
from apps.models.tests.tiny_weights import ROOT, drawn_pixels, engine_environment, tiny_weights

SIZE = 160
# wide, tall, square, larger and smaller than the input, and thin: with fewer anchors than detections
SHAPES = [(200, 150), (150, 200), (64, 64), (640, 480), (301, 57), (33, 400)]
KINDS = {
    "yolov8n": False, "yolov9t": False, "yolov10n": True, "yolo11n": False, "yolo12n": False, "yolo26n": False,
    "yolo26n-end2end": True,
}  # fmt: skip


def encode(image: Image.Image, format: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def picture(seed: int = 0, width: int = 200, height: int = 150) -> Image.Image:
    return Image.fromarray(drawn_pixels(seed, width, height)[..., ::-1].copy())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("pictures")
    for number, (width, height) in enumerate(SHAPES):
        picture(number, width, height).save(folder / f"{number}.png")
    picture(9).save(folder / "turned.jpg", exif=turned(6))
    picture(10).save(folder / "plain.jpg")
    return [str(path) for path in sorted(folder.iterdir())]


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.fixture(scope="module")
def exports(tmp_path_factory, pictures):
    """`exports(kind)` is the export's folder and the weights' own answers."""
    folder, jobs = tmp_path_factory.mktemp("exports"), []
    for kind, end2end in KINDS.items():
        job = {
            "weights": str(tiny_weights() / f"{kind.split('-')[0]}.pt"),
            "output": str(folder / kind),
            "also": {"onnx": str(folder / f"{kind}-onnx")},
            "imgsz": SIZE,
            "end2end": end2end,
            "check_images": pictures,
            "conf": 0.05,
        }
        jobs.append(folder / f"{kind}.json")
        jobs[-1].write_text(json.dumps(job))
    done = subprocess.run(
        [sys.executable, "-m", "apps.inference.tests.export_all", *map(str, jobs)],
        cwd=ROOT, env=engine_environment(folder), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])

    def export(kind: str) -> tuple[Path, list[dict]]:
        return folder / kind, answers[str(folder / kind)]["reference"]["images"]

    return export


@pytest.fixture(scope="module")
def runtime(exports):
    return load(exports("yolov8n")[0])


# --- the same answers as the weights


@pytest.mark.parametrize(("file", "program"), [("", "openvino"), ("-onnx", "openvino"), ("-onnx", "onnxruntime")])
@pytest.mark.parametrize("kind", KINDS)
def test_runtime_answers_as_the_weights_do(exports, kind, file, program):
    folder, reference = exports(kind)
    runtime = load(folder.with_name(folder.name + file), program=program, precision="f32")
    answers = [runtime.predict(image["path"], conf=0.05) for image in reference]
    assert runtime.end2end == KINDS[kind]
    assert [(answer.width, answer.height) for answer in answers] == [
        (image["width"], image["height"]) for image in reference
    ]
    parity = compare_many(
        ((image["boxes"], answer.boxes) for image, answer in zip(reference, answers, strict=True)), conf=0.06
    )
    assert parity.expected > 200
    assert parity.share >= 0.995
    assert parity.extra <= parity.expected * 0.005
    assert parity.max_confidence_difference < 0.001


def test_graph_made_for_one_shape_answers_as_the_one_for_any(exports, pictures):
    folder, _ = exports("yolov8n")
    shaped, free = load(folder), load(folder, max_graphs=0)
    shaped.warm(*SHAPES[0])
    assert list(shaped._graphs) == [((128, 160), False)]
    parity = compare(free.predict(pictures[0]).boxes, shaped.predict(pictures[0]).boxes)
    assert parity.expected == parity.found > 5
    assert parity.max_confidence_difference < 0.001


def test_a_graph_that_answered_on_a_smaller_shape_is_warmed_for_a_larger_one(exports, pictures):
    """Where pictures of several shapes have taken all graphs, as those of a gate do before the swap."""
    runtime = load(exports("yolov8n")[0], max_graphs=0)
    before = runtime.predict(pictures[0]).boxes
    runtime.warm(SIZE, SIZE)
    assert runtime.predict(pictures[0]).boxes == before


def test_only_shapes_asked_for_again_get_a_graph_and_only_so_many(exports, pictures):
    runtime = load(exports("yolov8n")[0], max_graphs=2)
    runtime.predict(pictures[0])
    assert runtime._graphs == {}
    for path in pictures[:4] * 4:
        runtime.predict(path)
    assert list(runtime._graphs) == [((128, 160), False), ((160, 128), False)]


def test_images_answered_at_once_have_a_graph_of_their_own_and_the_same_answers(exports, pictures, monkeypatch):
    monkeypatch.setattr("apps.inference.runtime.model.cores", lambda: 2)
    runtime = load(exports("yolov8n")[0], max_graphs=1)
    alone = [runtime.predict(pictures[0], conf=0.05).boxes for _ in range(4)][-1]
    runtime._inside = 1  # somebody else's image
    crowded = [runtime.predict(pictures[0], conf=0.05).boxes for _ in range(4)][-1]
    assert list(runtime._graphs) == [((128, 160), False), ((128, 160), True)]
    assert runtime._inside == 1
    parity = compare(alone, crowded, conf=0.06)
    assert parity.expected == parity.found > 0
    assert parity.max_confidence_difference < 0.001


def test_an_image_that_is_refused_does_not_count_as_being_answered(runtime):
    with pytest.raises(BadImage):
        runtime.predict(b"no image")
    assert runtime._inside == 0


def test_bf16_is_used_only_where_the_cpu_has_it(exports):
    import openvino

    has_it = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    runtime = load(exports("yolov8n")[0], precision="bf16")
    assert runtime.precision == ("bf16" if has_it else "f32")
    assert runtime.predict(encode(picture(), "PNG")).boxes


def test_boxes_come_best_first_and_inside_the_image(runtime, pictures):
    for path in pictures:
        answer = runtime.predict(path, conf=0.05)
        confidences = [box.confidence for box in answer.boxes]
        assert confidences == sorted(confidences, reverse=True)
        for box in answer.boxes:
            assert 0 <= box.x1 <= box.x2 <= answer.width
            assert 0 <= box.y1 <= box.y2 <= answer.height


def test_speed_names_each_part_in_milliseconds(runtime, pictures):
    speed = runtime.predict(pictures[0]).speed
    assert list(speed) == ["decode_ms", "preprocess_ms", "inference_ms", "postprocess_ms"]
    assert all(value >= 0 for value in speed.values())


# --- what a request may ask


def test_conf_keeps_only_more_confident_boxes(runtime, pictures):
    many, few = (runtime.predict(pictures[0], conf=conf).boxes for conf in (0.05, 0.5))
    assert few == [box for box in many if box.confidence > 0.5]
    assert 0 < len(few) < len(many)
    assert runtime.predict(pictures[0], conf=1.0).boxes == []


@pytest.mark.parametrize("kind", ["yolov8n", "yolo26n-end2end"])
def test_max_det_keeps_the_best_boxes(exports, pictures, kind):
    runtime = load(exports(kind)[0])
    everything = runtime.predict(pictures[0], conf=0.01).boxes
    assert runtime.predict(pictures[0], conf=0.01, max_det=3).boxes == everything[:3]
    assert runtime.predict(pictures[0], conf=0.01, max_det=0).boxes == []


@pytest.mark.parametrize("kind", ["yolov8n", "yolo26n-end2end"])
def test_classes_keeps_only_these_classes(exports, pictures, kind):
    runtime = load(exports(kind)[0])
    everything = runtime.predict(pictures[0], conf=0.05).boxes
    wanted = everything[0].class_id
    assert {box.class_id for box in everything} != {wanted}
    only = runtime.predict(pictures[0], conf=0.05, classes=[wanted]).boxes
    assert only == [box for box in everything if box.class_id == wanted]
    assert runtime.predict(pictures[0], conf=0.05, classes=[]).boxes == []


def test_lower_iou_suppresses_more(runtime, pictures):
    counts = [len(runtime.predict(pictures[0], conf=0.05, iou=iou).boxes) for iou in (0.1, 0.7, 1.0)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_confidence_zero_gives_max_det_boxes(runtime, pictures):
    assert len(runtime.predict(pictures[3], conf=0.0, iou=1.0).boxes) == 300


def test_nms_in_parts_keeps_what_plain_nms_keeps():
    from apps.inference.runtime.boxes import suppress

    rng = np.random.default_rng(0)
    corner, size = rng.uniform(0, 100, (3000, 2)), rng.uniform(20, 60, (3000, 2))
    corners = np.concatenate((corner, corner + size), 1).astype(np.float32)
    scores = np.sort(rng.random(3000).astype(np.float32))[::-1]
    labels = rng.integers(0, 3, 3000)
    kept = []
    for index in range(3000):
        same = [other for other in kept if labels[other] == labels[index]]
        rivals = [(0, 0, *corners[other]) for other in same]
        if not rivals or not compare([(0, 0, *corners[index])], rivals, conf=0, iou=0.5 + 1e-6).found:
            kept.append(index)
    assert suppress(corners, scores, labels, 0.5, 10_000).tolist() == kept
    assert suppress(corners, scores, labels, 0.5, 20).tolist() == kept[:20]


# --- images of every kind


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_image_is_seen_upright(format, orientation):
    from apps.inference.runtime.images import decode

    quality = {"quality": 100} if format in ("JPEG", "WEBP") else {}
    data = encode(picture(1, 120, 80), format, exif=turned(orientation), **quality)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))[..., ::-1]
    pixels = decode(data, 10**6)
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).mean() < 2


def sixteen_bit(format: str) -> bytes:
    return cv2.imencode(format, drawn_pixels(0).astype(np.uint16) * 257)[1].tobytes()


GOOD = {
    "JPEG": lambda: encode(picture(), "JPEG", quality=100, subsampling=0),
    "progressive JPEG": lambda: encode(picture(), "JPEG", quality=100, subsampling=0, progressive=True),
    "CMYK JPEG": lambda: encode(picture().convert("CMYK"), "JPEG", quality=100),
    "JPEG with two pictures": lambda: encode(
        picture(), "MPO", quality=100, subsampling=0, save_all=True, append_images=[picture(1)]
    ),
    "JPEG with a tail": lambda: encode(picture(), "JPEG", quality=100, subsampling=0) + b"\0" * 500,
    "PNG": lambda: encode(picture(), "PNG"),
    "PNG with alpha": lambda: encode(picture().convert("RGBA"), "PNG"),
    "PNG with 16 bits": lambda: sixteen_bit(".png"),
    "animated PNG": lambda: encode(picture(), "PNG", save_all=True, append_images=[picture(1)]),
    "WebP": lambda: encode(picture(), "WEBP", lossless=True),
    "WebP with alpha": lambda: encode(picture().convert("RGBA"), "WEBP", lossless=True),
    "animated WebP": lambda: encode(picture(), "WEBP", lossless=True, save_all=True, append_images=[picture(1)]),
    "BMP": lambda: encode(picture(), "BMP"),
    "TIFF": lambda: encode(picture(), "TIFF"),
    "CMYK TIFF": lambda: encode(picture().convert("CMYK"), "TIFF"),
    "LZW TIFF": lambda: encode(picture(), "TIFF", compression="tiff_lzw"),
    "TIFF with 16 bits": lambda: sixteen_bit(".tiff"),
    "TIFF with two pages": lambda: encode(picture(), "TIFF", save_all=True, append_images=[picture(1)]),
}


@pytest.mark.parametrize("kind", GOOD)
def test_picture_means_the_same_in_every_kind_of_file(kind):
    from apps.inference.runtime.images import decode

    pixels = decode(GOOD[kind](), 10**6)
    assert pixels.shape == (150, 200, 3)
    assert np.abs(pixels.astype(int) - drawn_pixels(0)).mean() < 4


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "I;16"])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_gray_and_palette_become_colour(mode, format):
    from apps.inference.runtime.images import decode

    image = picture().convert("L")
    deep = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    image = deep if mode == "I;16" else picture().convert(mode)
    expected = np.asarray((picture().convert("L") if mode == "I;16" else image).convert("RGB"))[..., ::-1]
    pixels = decode(encode(image, format), 10**6)
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).mean() < 1


def broken_png(width: int, height: int) -> bytes:
    """A small PNG whose header claims another size."""
    import struct
    import zlib

    data = bytearray(encode(picture(), "PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def huge_webp() -> bytes:
    data = bytearray(encode(picture().convert("RGBA"), "WEBP", exif=turned(1)))
    header = data.index(b"VP8X")
    data[header + 12 : header + 18] = (16382).to_bytes(3, "little") * 2
    return bytes(data)


BAD = {
    "nothing": (b"", "empty"),
    "text": (b"hello", "not an image"),
    "HTML": (b"<!doctype html><title>404</title>", "not an image"),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not an image"),
    "GIF": (encode(picture(), "GIF"), "not an image"),
    "PDF": (b"%PDF-1.7 ...", "not an image"),
    "only the start of a JPEG": (b"\xff\xd8\xff\xe0", "not an image"),
    "PNG of 40000 × 40000": (broken_png(40000, 40000), "megapixels"),
    "PNG of 4000 × 4000": (broken_png(4000, 4000), "megapixels"),
    "PNG of 0 × 0": (broken_png(0, 0), "image"),
    "PNG with less in it than it says": (broken_png(900, 900), "damaged"),
    "WebP of 16383 × 16383": (huge_webp(), "megapixels"),
    "noise with the head of a BMP": (b"BM" + bytes(range(256)) * 4, "image"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_image_is_refused_with_a_reason(exports, kind):
    data, words = BAD[kind]
    runtime = load(exports("yolov8n")[0], max_pixels=1_000_000)
    with pytest.raises(BadImage) as caught:
        runtime.predict(data)
    assert words in caught.value.reason
    assert caught.value.reason.endswith(".")


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["JPEG", "progressive JPEG", "PNG", "WebP", "BMP", "TIFF", "LZW TIFF"])
def test_half_an_image_is_refused(runtime, kind, share):
    data = GOOD[kind]()
    with pytest.raises(BadImage):
        runtime.predict(data[: int(len(data) * share)])


def test_garbled_files_answer_or_are_refused_but_nothing_else(runtime):
    rng = np.random.default_rng(0)
    for make in GOOD.values():
        data = bytearray(make())
        for place in rng.integers(0, min(len(data), 2000), 12):
            data[place] = rng.integers(0, 256)
        with contextlib.suppress(BadImage):
            runtime.predict(bytes(data))


# --- models that cannot be served


def test_missing_model_is_named(tmp_path):
    with pytest.raises(ModelError, match="There is no exported model"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "openvino"}'])
def test_damaged_metadata_is_named(tmp_path, text):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ModelError, match="damaged"):
        load(tmp_path)


@pytest.mark.parametrize("damage", ["model.xml", "model.bin", "cut xml", "cut bin", "empty xml"])
def test_damaged_graph_is_named(exports, tmp_path, damage):
    folder, _ = exports("yolov8n")
    for name in ("model.json", "model.xml", "model.bin"):
        data = (folder / name).read_bytes()
        if damage != name:
            cut = {f"cut {name[-3:]}": len(data) // 2, f"empty {name[-3:]}": 0}.get(damage, len(data))
            (tmp_path / name).write_bytes(data[:cut])
    with pytest.raises(ModelError, match="damaged"):
        load(tmp_path)


def test_unknown_precision_is_refused(exports):
    with pytest.raises(ModelError, match="not known"):
        load(exports("yolov8n")[0], precision="f8")


# --- many at once


def test_many_threads_get_the_answers_of_one(exports, pictures):
    runtime = load(exports("yolov8n")[0])
    alone = {path: runtime.predict(path, conf=0.05).boxes for path in pictures}
    with ThreadPoolExecutor(8) as pool:
        for path, answer in pool.map(lambda path: (path, runtime.predict(path, conf=0.05)), pictures * 12):
            parity = compare(alone[path], answer.boxes, conf=0.06)
            assert parity.expected == parity.found
            assert parity.max_confidence_difference < 0.001


def test_runtime_never_imports_torch_and_imports_openvino_only_to_load(exports, pictures):
    folder, _ = exports("yolov8n")
    code = f"""
import sys
from apps.inference.runtime import load
heavy = {{"openvino", "cv2", "numpy", "PIL"}} & set(sys.modules)
assert not heavy, heavy
assert load({str(folder)!r}).predict({pictures[0]!r}).boxes
heavy = {{"torch", "ultralytics", "django", "torchvision"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- the cache


def fake(memory_bytes: int = 1) -> SimpleNamespace:
    return SimpleNamespace(memory_bytes=memory_bytes)


def test_model_is_loaded_once_however_many_ask():
    cache, loads = RuntimeCache(100), []

    def slow_load():
        loads.append(1)
        time.sleep(0.1)
        return fake()

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: cache.get((1, "a"), slow_load), range(8)))
    assert len(loads) == 1
    assert all(runtime is got[0] for runtime in got)


def test_loading_one_model_does_not_hold_up_another():
    cache, go_on = RuntimeCache(100), threading.Event()
    cache.get((2, "b"), fake)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.get, (1, "a"), lambda: go_on.wait(5) and fake())
        assert cache.get((2, "b"), fake)
        assert not slow.done()
        go_on.set()
        assert slow.result()


def test_least_recently_used_model_goes_first():
    cache = RuntimeCache(2)
    for key in [(1, "a"), (2, "b"), (1, "a"), (3, "c")]:
        cache.get(key, fake)
    assert cache.keys() == [(1, "a"), (3, "c")]


def test_models_go_when_their_memory_is_too_much_but_the_newest_stays():
    cache = RuntimeCache(100)
    cache.get((1, "a"), lambda: fake(60))
    cache.get((2, "b"), lambda: fake(30))
    assert cache.keys() == [(1, "a"), (2, "b")]
    cache.get((3, "c"), lambda: fake(20))
    assert cache.keys() == [(2, "b"), (3, "c")]
    cache.get((4, "d"), lambda: fake(500))
    assert cache.keys() == [(4, "d")]


def test_a_model_that_grows_in_use_makes_others_go():
    cache = RuntimeCache(100)
    grown = cache.get((1, "a"), lambda: fake(40))
    cache.get((2, "b"), lambda: fake(40))
    grown.memory_bytes = 70
    assert cache.get((1, "a"), fake) is grown
    assert cache.keys() == [(1, "a")]


def test_dropped_model_is_loaded_anew():
    cache = RuntimeCache(100)
    first = cache.get((1, "a"), fake)
    cache.get((2, "b"), fake)
    cache.drop(1)
    assert cache.keys() == [(2, "b")]
    assert cache.get((1, "a"), fake) is not first


def test_load_that_fails_reaches_all_who_wait_and_is_tried_again():
    cache, started = RuntimeCache(100), threading.Barrier(3)

    def failing():
        time.sleep(0.1)
        raise ModelError("broken")

    def ask():
        started.wait()
        return cache.get((1, "a"), failing)

    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(ask) for _ in range(3)]
    assert [type(future.exception()) for future in futures] == [ModelError] * 3
    assert cache.get((1, "a"), fake)


# --- the gate


def test_gate_lets_only_so_many_run():
    gate, running, most = Gate(running=2, waiting=100), [], []

    def work(_):
        with gate:
            running.append(1)
            most.append(len(running))
            time.sleep(0.005)
            running.pop()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(50)))
    assert max(most) == 2
    assert (gate.running, gate.waiting) == (0, 0)


def test_gate_refuses_at_once_when_enough_wait():
    gate, inside, leave = Gate(running=1, waiting=1), threading.Event(), threading.Event()

    def hold():
        with gate:
            inside.set()
            leave.wait(5)

    with ThreadPoolExecutor(2) as pool:
        pool.submit(hold)
        inside.wait(5)
        second = pool.submit(hold)
        while gate.waiting < 1:
            time.sleep(0.001)
        started = time.monotonic()
        with pytest.raises(Overloaded) as caught, gate:
            pytest.fail("entered a full gate")
        assert time.monotonic() - started < 0.1
        assert caught.value.retry_after >= 1
        leave.set()
        second.result(timeout=5)
    with gate:
        assert gate.running == 1


def test_gate_opens_again_after_an_error():
    gate = Gate(running=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ValueError, match="oops"), gate:
            raise ValueError("oops")
    assert gate.running == 0


def test_a_full_gate_refuses_a_flood_at_the_door_and_opens_again():
    gate = Gate(running=1, waiting=0)
    with gate:
        gate.refuse_flood()  # full, but nobody was refused yet
        refused_by_a_full_gate(gate, FLOOD)
        with pytest.raises(Overloaded):
            gate.refuse_flood()
    gate.refuse_flood()


def refused_by_a_full_gate(gate, times):
    def knock():
        for _ in range(times):
            with pytest.raises(Overloaded), gate:
                pytest.fail("entered a full gate")

    with ThreadPoolExecutor(1) as pool:  # a thread that is inside may not knock
        pool.submit(knock).result(timeout=20)


# --- the measure of parity


def test_compare_counts_found_missing_and_extra_boxes():
    reference = [(0, 0.9, 0, 0, 10, 10), (1, 0.8, 20, 20, 30, 30), (0, 0.1, 50, 50, 60, 60)]
    candidate = [(0, 0.89, 0, 0, 10, 10), (0, 0.8, 20, 20, 30, 30), (0, 0.3, 50, 50, 60, 60)]
    parity = compare(reference, candidate)
    assert (parity.expected, parity.found, parity.extra) == (2, 1, 1)
    assert parity.share == 0.5
    assert parity.max_confidence_difference == pytest.approx(0.01)


def test_compare_uses_each_box_once():
    reference = [(0, 0.9, 0, 0, 10, 10), (0, 0.8, 0, 0, 10, 10)]
    assert compare(reference, reference[:1]).found == 1


def test_compare_of_nothing_with_nothing_is_whole():
    assert compare([], []).share == 1.0
