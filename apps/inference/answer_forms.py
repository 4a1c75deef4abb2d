"""An answer in the form that was asked for: JSON, a picture with boxes, COCO, YOLO."""

from django.http import HttpResponse
from rest_framework import serializers

from apps.inference.serializers import InferSerializer, answer

FORMS = ("json", "image", "coco", "yolo")


class QuestionSerializer(InferSerializer):
    """What a body may hold, for the API's document: `form_of` reads `format`."""

    format = serializers.ChoiceField(FORMS, default="json", help_text="The form of the answer.")


def form_of(question):
    """The form that a question asks for, a dict or what it is not; raises ValidationError."""
    form = question.get("format", "json") if isinstance(question, dict) else "json"
    if form not in FORMS:
        raise serializers.ValidationError({"format": [f"Accepted: {', '.join(FORMS)}."]})
    return form


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
        picture = drawing.fill(drawing.opened(data), drawing.outlines(prediction.boxes))
        drawn = drawing.draw(picture, drawing.shown(prediction.boxes, model.class_names))
        body = drawing.encoded(drawn, format)
    return HttpResponse(body, content_type=f"image/{format.lower()}")


def as_yolo(prediction):
    """A line an object: class id, x and y of the centre, width, height (0..1), confidence; as ultralytics saves it.

    Of a model that segments its outline, the largest part, stands in place of the box.
    """
    return "".join(_yolo_line(box, prediction.width, prediction.height) for box in prediction.boxes)


def _yolo_line(box, width, height):
    if box.polygons:
        numbers = (box.polygons[0] / (width, height)).ravel()
    else:
        numbers = (
            (box.x1 + box.x2) / 2 / width, (box.y1 + box.y2) / 2 / height,
            (box.x2 - box.x1) / width, (box.y2 - box.y1) / height,
        )  # fmt: skip
    return f"{box.class_id} {' '.join(f'{number:.6f}' for number in numbers)} {box.confidence:.4f}\n"


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
        if "points" in found:
            row |= _segmentation(found, answer["image"])
        rows.append(row | ({"track_id": found["track_id"]} if "track_id" in found else {}))
    return rows


def _segmentation(found, size):
    """COCO's polygons of an object that has outlines (0..1), in pixels, and the area inside them."""
    parts = found.get("parts") or [found["points"]]
    scaled = [[(x * size["width"], y * size["height"]) for x, y in points] for points in parts]
    flat = [[round(value, 2) for point in points for value in point] for points in scaled]
    return {"segmentation": flat, "area": round(sum(map(_area, scaled)), 2)}


def _area(points):
    """Of a polygon, by the shoelace formula."""
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True))) / 2
