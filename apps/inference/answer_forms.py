"""An answer in the form that was asked for: JSON, a picture with boxes, COCO, YOLO."""

from django.http import HttpResponse

from apps.inference.serializers import answer

FORMS = ("json", "image", "coco", "yolo")


def in_form(form, model, data, prediction, accept=""):
    """The answer on the image `data`: a dict, or an HttpResponse where it is no JSON."""
    if form == "image":
        return as_picture(model, data, prediction, "PNG" if "image/png" in accept else "JPEG")
    if form == "coco":
        return as_coco(model.class_names, [("image", answer(model, prediction))])
    if form == "yolo":
        return HttpResponse(as_yolo(prediction), content_type="text/plain; charset=utf-8")
    return answer(model, prediction)


def as_picture(model, data, prediction, format):
    """The picture itself, upright, with its boxes."""
    from apps.inference import drawing, services

    with services.gate:  # it decodes the picture once more: as many at once as may predict
        drawn = drawing.draw(drawing.opened(data), drawing.shown(prediction.boxes, model.class_names))
        body = drawing.encoded(drawn, format)
    return HttpResponse(body, content_type=f"image/{format.lower()}")


def as_yolo(prediction):
    """A line an object: class id, x and y of the centre, width, height (0..1), confidence; as ultralytics saves it."""
    width, height = prediction.width, prediction.height
    rows = (
        f"{b.class_id} {(b.x1 + b.x2) / 2 / width:.6f} {(b.y1 + b.y2) / 2 / height:.6f} "
        f"{(b.x2 - b.x1) / width:.6f} {(b.y2 - b.y1) / height:.6f} {b.confidence:.4f}\n"
        for b in prediction.boxes
    )
    return "".join(rows)


def as_coco(class_names, answers):
    """COCO of (file name, answer) pairs, each box with its `score`."""
    coco = {"images": [], "annotations": [], "categories": categories(class_names)}
    for number, (name, one) in enumerate(answers, 1):
        coco["images"].append(coco_image(number, name, one))
        coco["annotations"] += coco_boxes(number, one, len(coco["annotations"]) + 1)
    return coco


def categories(class_names):
    """COCO's categories: ids from 1 on, as in the platform's exports."""
    return [{"id": place + 1, "name": name, "supercategory": "none"} for place, name in enumerate(class_names)]


def coco_image(number, name, answer):
    return {"id": number, "file_name": name, **answer["image"]}


def coco_boxes(image_id, answer, first_id):
    """The boxes of one image, in pixels; with `track_id` where the answer has one."""
    rows = []
    for place, found in enumerate(answer["predictions"]):
        box = found["box"]
        width, height = round(box["x2"] - box["x1"], 2), round(box["y2"] - box["y1"], 2)
        row = {
            "id": first_id + place, "image_id": image_id, "category_id": found["class_id"] + 1,
            "bbox": [box["x1"], box["y1"], width, height], "area": round(width * height, 2), "iscrowd": 0,
            "score": found["confidence"],
        }  # fmt: skip
        rows.append(row | ({"track_id": found["track_id"]} if "track_id" in found else {}))
    return rows
