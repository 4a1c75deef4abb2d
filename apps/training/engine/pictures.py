"""What a training shows of itself: its first batches as the network sees them, and what it finds as it learns.

Neither changes the training. Pictures are drawn from batches that are learned from anyway, what was found comes from
the validation that is made anyway, and nothing here draws a random number. What fails here is logged, not raised.
"""

from pathlib import Path
from typing import Any

import torch
from ultralytics.utils import LOGGER, RANK

from . import LEAST_CONFIDENCE
from .tiles import grid, tile

FIRST_BATCHES = 3
TILES = 16  # images of a batch that are drawn
MOST_BOXES = 100  # of an image


class Looking:
    """A validator that notes what it finds in the images named `looks_at` (stems of files) while it trains."""

    looks_at: frozenset[str] = frozenset()

    def init_metrics(self, model):
        super().init_metrics(model)
        self.looks: dict[str, list] = {}

    def update_metrics(self, preds, batch):
        super().update_metrics(preds, batch)
        if not self.training or not self.looks_at:
            return
        for place, (prediction, path) in enumerate(zip(preds, batch["im_file"], strict=True)):
            if (name := Path(path).stem) in self.looks_at:
                try:
                    self.looks[name] = _found(self, prediction, self._prepare_batch(place, batch))
                except Exception as error:
                    LOGGER.warning(f"What was found in {name} cannot be shown: {error!r}")

    def gather_stats(self):
        super().gather_stats()
        if RANK > -1 and self.training and self.looks_at:  # several GPUs: each has seen a part of the images
            parts = [None] * torch.distributed.get_world_size() if RANK == 0 else None
            torch.distributed.gather_object(self.looks, parts, dst=0)
            for part in parts or ():
                self.looks |= part


class Pictured:
    """A trainer that tells `picture` and `looks` events once `show` was called."""

    _shown: tuple[list[str], list[str]] | None = None

    def show(self, images: list[str], colors: list[str]) -> None:
        """Show these validation images (stems of their files), with classes in these colours."""
        self._shown = images, colors or ["#ffffff"]

    def get_validator(self):
        validator = super().get_validator()
        validator.looks_at = frozenset(self._shown[0] if self._shown else ())
        return validator

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        batch = super().preprocess_batch(batch)
        if self._shown and RANK <= 0 and (wanted := self._picture_of_now()):
            try:
                self._draw(batch, *wanted)
            except Exception as error:
                LOGGER.warning(f"The picture of a batch could not be drawn: {error!r}")
        return batch

    def validate(self):
        measured = super().validate()
        if self._shown and RANK <= 0:
            found = [self.validator.looks.get(name) for name in self._shown[0]]
            self._events.send("looks", epoch=self.epoch + 1, images=found)
        return measured

    def _picture_of_now(self) -> tuple[str, int] | None:
        """(kind, number) of the picture that is due with the batch under way; None for most."""
        done = getattr(self, "_batches", None)  # none before the first epoch
        if self.epoch == 0 and done is not None and done < FIRST_BATCHES:
            return "batch", done + 1
        closed = self.epochs - self.args.close_mosaic
        if done == 0 and self.args.mosaic and self.args.close_mosaic and self.epoch == closed > 0:
            return "closed", 1
        return None

    def _draw(self, batch: dict[str, Any], kind: str, number: int) -> None:
        images = (batch["img"][:TILES] * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        owners, classes = batch["batch_idx"].cpu(), batch["cls"].flatten().cpu()
        boxes, tiles = batch["bboxes"].cpu(), []
        for place, pixels in enumerate(images):
            mine = owners == place
            tiles.append(tile(pixels, classes[mine].tolist(), boxes[mine].tolist(), self._shown[1]))
        file = Path(self.save_dir) / "pictures" / f"{kind}-{number}.jpg"
        file.parent.mkdir(exist_ok=True)
        grid(tiles).save(file, "JPEG", quality=88)
        count = len(batch["img"])
        self._events.send(
            "picture", kind=kind, number=number, epoch=self.epoch + 1, images=count, tiles=len(tiles), file=file
        )


def _found(validator: Any, prediction: dict[str, Any], truth: dict[str, Any]) -> list[list[float]]:
    """[class id, confidence, x, y, width, height] of an image's surest boxes: normalized, within the image."""
    order = prediction["conf"].argsort(descending=True, stable=True)
    order = order[prediction["conf"][order] >= LEAST_CONFIDENCE][:MOST_BOXES]
    surest = {name: prediction[name][order] for name in ("bboxes", "conf", "cls")}
    height, width = truth["ori_shape"]
    corners = validator.scale_preds(surest, truth)["bboxes"].float().cpu() / torch.tensor([width, height] * 2)
    corners = corners.clamp(0, 1)
    sizes = corners[:, 2:] - corners[:, :2]
    boxes = torch.cat([corners[:, :2] + sizes / 2, sizes], 1).tolist()
    sure, classes = surest["conf"].tolist(), surest["cls"].tolist()
    return [
        [int(class_id), round(confidence, 3), *(round(value, 5) for value in box)]
        for class_id, confidence, box in zip(classes, sure, boxes, strict=True)
        if box[2] > 0 and box[3] > 0
    ]
