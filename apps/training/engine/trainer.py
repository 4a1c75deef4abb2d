"""Ultralytics' trainer, made safe to kill; it tells its progress as events."""

import math
import os
import time
from collections.abc import Iterable
from copy import copy
from pathlib import Path
from typing import Any

import torch
import ultralytics
from ultralytics.models.rtdetr.train import RTDETRTrainer
from ultralytics.models.rtdetr.val import RTDETRValidator
from ultralytics.models.yolo.detect import DetectionTrainer, DetectionValidator
from ultralytics.nn.tasks import load_checkpoint
from ultralytics.utils import LOCAL_RANK, LOGGER, RANK
from ultralytics.utils.torch_utils import (
    get_flops,
    get_num_params,
    strip_optimizer,
    torch_distributed_zero_first,
)

from apps.models.engine.report import MATRIX_CONFIDENCE, MATRIX_IOU, validation_report

from . import reasons, skipped
from .events import EventStream
from .pictures import Looking, Pictured
from .reasons import JobError

_BATCH_INTERVAL = 0.5  # seconds between two `batch` events


class Counting:
    """Counts the confusion matrix in the final validation; ultralytics does so only where it draws plots."""

    def update_metrics(self, preds, batch):
        super().update_metrics(preds, batch)
        if self.training:
            return
        for i, prediction in enumerate(preds):
            self.confusion_matrix.process_batch(
                prediction, self._prepare_batch(i, batch), conf=MATRIX_CONFIDENCE, iou_thres=MATRIX_IOU
            )

    def gather_stats(self):
        super().gather_stats()
        if RANK > -1 and not self.training:  # several GPUs: ultralytics adds up the matrix only for plots
            matrix = torch.tensor(self.confusion_matrix.matrix, device=self.device)
            torch.distributed.reduce(matrix, dst=0)
            self.confusion_matrix.matrix = matrix.cpu().numpy()


class Validator(Looking, Counting, DetectionValidator):
    """For YOLO."""


class DetrValidator(Looking, Counting, RTDETRValidator):
    """For RT-DETR."""


class Survivor:
    """What makes a trainer's `weights/last.pt` whole and resumable at every instant, to the very end."""

    validator_class: type
    _batch_told = 0

    def __init__(self, overrides: dict[str, Any], events: EventStream, deadline: float = math.inf) -> None:
        """`deadline` is a time of time.monotonic()."""
        self._events, self._deadline = events, deadline
        self._finalizing = self._timed_out = False
        self._epoch_started = self._batch_sent = self._val_started = self._val_seconds = 0.0
        super().__init__(overrides=overrides)
        if self.ddp:  # ranks.py starts a process for each GPU; here ultralytics would start its own
            raise JobError("bad_arguments", "Training on several GPUs was not started as several processes.")
        if RANK > 0:  # the first process tells
            return
        self.add_callback("on_pretrain_routine_end", Survivor._tell_started)
        self.add_callback("on_pretrain_routine_end", Survivor._tell_skipped)
        self.add_callback("on_train_epoch_start", Survivor._tell_epoch_start)
        self.add_callback("on_train_batch_end", Survivor._tell_batch)
        self.add_callback("on_train_batch_end", Survivor._break_off_at_the_deadline)
        self.add_callback("on_fit_epoch_end", Survivor._tell_epoch)
        self.add_callback("on_fit_epoch_end", Survivor._end_at_the_deadline)
        self.add_callback("on_val_start", lambda validator: self._note_validation())
        self.add_callback("on_val_batch_end", self._tell_validation)
        self.add_callback("on_val_end", lambda validator: self._note_validation(ended=True))

    # --- what is told -------------------------------------------------------------------------------------

    def _tell_started(self) -> None:
        self._events.send(
            "started",
            device=str(self.device),
            threads=torch.get_num_threads(),
            parameters=get_num_params(self.model),
            gflops=round(get_flops(self.model, self.args.imgsz), 2),
            classes=[self.data["names"][i] for i in sorted(self.data["names"])],
            train_images=len(self.train_loader.dataset),
            val_images=len(self.test_loader.dataset),
            batches=len(self.train_loader),
            batch=self.batch_size,
            epochs=self.epochs,
            start_epoch=self.start_epoch + 1,
            resumed=bool(self.resume),
            optimizer=type(self.optimizer).__name__,
            versions={"ultralytics": ultralytics.__version__, "torch": torch.__version__},
        )

    def _tell_skipped(self) -> None:
        if skipped.found:
            self._events.send("skipped", images=skipped.found)

    def _build_train_pipeline(self) -> None:
        """Tell where ultralytics has halved the batch, because the GPU's memory was too small for it."""
        super()._build_train_pipeline()
        if self._batch_told and self.batch_size != self._batch_told and RANK <= 0:
            self._events.send("smaller_batch", batch=self.batch_size, was=self._batch_told)
        self._batch_told = self.batch_size

    def _tell_epoch_start(self) -> None:
        self._epoch_started, self._batches = time.time(), 0

    def _tell_batch(self) -> None:
        self._batches += 1
        self._tell_progress("batch", self._batches, len(self.train_loader))

    def _tell_validation(self, validator: Any) -> None:
        done, count = validator.batch_i + 1, len(validator.dataloader)
        self._tell_progress("validation", done, count, final=self._finalizing)

    def _tell_progress(self, event: str, done: int, count: int, **more: Any) -> None:
        if time.time() - self._batch_sent < _BATCH_INTERVAL:
            return
        self._batch_sent = time.time()
        self._events.send(event, epoch=self.epoch + 1, epochs=self.epochs, batch=done, batches=count, **more)

    def _note_validation(self, ended: bool = False) -> None:
        if ended:
            self._val_seconds = time.time() - self._val_started
        else:
            self._val_started = time.time()

    def _tell_epoch(self) -> None:
        if self._finalizing:  # ultralytics calls this once more, for best.pt, under a number one too high
            return
        self._events.send(
            "epoch",
            epoch=self.epoch + 1,
            epochs=self.epochs,
            train_loss=_losses(self.label_loss_items(self.tloss), "train/"),
            val_loss=_losses(self.metrics, "val/"),
            precision=self.metrics["metrics/precision(B)"],
            recall=self.metrics["metrics/recall(B)"],
            mAP50=self.metrics["metrics/mAP50(B)"],
            mAP50_95=self.metrics["metrics/mAP50-95(B)"],
            lr=self.lr["lr/pg0"],
            learning_rates=list(self.lr.values()),
            fitness=self.fitness,
            is_best=self.fitness == self.best_fitness,
            seconds=round(time.time() - self._epoch_started, 3),
            val_seconds=round(self._val_seconds, 3),
        )

    def _tell_finished(self) -> None:
        self._events.send(
            "finished",
            best=self.best,
            last=self.last,
            epochs_done=self.epoch + 1,
            epochs=self.epochs,
            best_epoch=self.stopper.best_epoch,
            stopped_early=self.epoch + 1 < self.epochs,
            ended_by=self._ended_by(),
            train_seconds=round(self._train_seconds, 3),
            validation=validation_report(self.validator),
        )

    # --- how it ends --------------------------------------------------------------------------------------

    def _ended_by(self) -> str:
        if self.epoch + 1 >= self.epochs:
            return "epochs"
        return "time_limit" if self._timed_out else "patience"

    def _is_too_late(self) -> bool:
        return time.monotonic() >= self._deadline

    def _break_off_at_the_deadline(self) -> None:
        """Raise _TimeIsUp within an epoch; of several processes none may go alone, they end together after it."""
        if RANK == -1 and self._is_too_late():
            raise _TimeIsUp

    def _end_at_the_deadline(self) -> None:
        if not self._finalizing and not self.stop and self._is_too_late():
            self.stop = self._timed_out = True

    # --- checkpoints --------------------------------------------------------------------------------------

    def save_model(self) -> bool:
        """Write the checkpoints beside their places, then rename: a kill leaves old ones or new ones, whole.

        best.pt is put in place first. Killed between the two, the run repeats the epoch; the other order
        would leave a last.pt that knows of a best epoch which best.pt does not hold.
        """
        places = self.last, self.best
        _forget_parts(places)  # those of a run that was killed while it wrote
        self.last, self.best = (_beside(place) for place in places)
        try:
            saved = super().save_model()
            for place in reversed(places):
                _put_in_place(_beside(place), place)
        finally:
            self.last, self.best = places
            _forget_parts(places)  # on a full disk, give back what they took
        return saved

    def final_eval(self) -> None:
        """Validate best.pt and tell the result. last.pt stays resumable: a kill here costs only this step."""
        self._finalizing = True
        self._train_seconds = time.time() - self.train_time_start
        with torch_distributed_zero_first(LOCAL_RANK):  # the others wait for the first
            if RANK <= 0:
                _forget_parts([self.best])
                strip_optimizer(self.best, s=str(_beside(self.best)))
                _put_in_place(_beside(self.best), self.best)
        self.validator.args.plots = False
        self.metrics = self.validator(model=self.best)
        if RANK <= 0:
            self._tell_finished()

    def resume_training(self, ckpt: dict | None) -> None:
        """Go on from a checkpoint. Raises _NothingLeft where its run had already come to its end."""
        if not self.resume or not ckpt:
            return
        self.stopper.__dict__.update(ckpt.get("stopper") or {})
        done = ckpt["epoch"] + 1
        is_patient = done - self.stopper.best_epoch < self.stopper.patience
        too_late = RANK == -1 and self._is_too_late()
        if done >= self.epochs or not is_patient or too_late:
            self._timed_out = is_patient
            self.start_epoch = done
            raise _NothingLeft
        super().resume_training(ckpt)

    def _do_train(self) -> None:
        try:
            super()._do_train()
        except _NothingLeft:
            self.epoch, self.train_time_start = self.start_epoch - 1, time.time()
            if RANK <= 0:
                self._tell_started()
            self.final_eval()
        except _TimeIsUp:
            self._timed_out = True
            self.epoch -= 1  # the one under way is not done
            if not self.best.exists():
                raise JobError(*reasons.TOO_SHORT) from None
            self.final_eval()

    def _handle_nan_recovery(self, epoch: int) -> bool:
        """End a run whose weights are lost in its first epoch; ultralytics would go on with nothing."""
        weights = (value for value in self.model.state_dict().values() if value.is_floating_point())
        if epoch == self.start_epoch and not all(torch.isfinite(value).all() for value in weights):
            raise FloatingPointError("NaN/Inf in the weights after the first epoch")
        return super()._handle_nan_recovery(epoch)

    # --- parts --------------------------------------------------------------------------------------------

    def get_validator(self) -> DetectionValidator:
        options = {"save_dir": self.save_dir, "args": copy(self.args), "_callbacks": self.callbacks}
        return self.validator_class(self.test_loader, **options)

    def read_results_csv(self) -> dict:
        """Leave the history out of checkpoints: it was told as events, and reading it back needs polars."""
        return {}


class Trainer(Pictured, Survivor, DetectionTrainer):
    """Trains a YOLO of any generation."""

    validator_class = Validator


class DetrTrainer(Pictured, Survivor, RTDETRTrainer):
    """Trains an RT-DETR."""

    validator_class = DetrValidator


TRAINERS = {"yolo": Trainer, "rtdetr": DetrTrainer}


class _TimeIsUp(Exception):
    """The time limit was reached within an epoch."""


class _NothingLeft(Exception):
    """The checkpoint is that of a run which had ended; only its final validation was cut off."""


def is_resumable(path: Path) -> bool:
    """Say whether a file is a checkpoint that a run can go on from."""
    try:
        _, ckpt = load_checkpoint(path)
    except Exception as error:
        LOGGER.warning(f"{path} cannot be read, starting anew: {error}")
        return False
    return ckpt.get("epoch", -1) >= 0 and ckpt.get("optimizer") is not None


def _losses(values: dict[str, float], prefix: str) -> dict[str, float]:
    """Return {"box": …, "cls": …, "dfl": …} of the values named like "train/box_loss"."""
    found = {name: value for name, value in values.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix).removesuffix("_loss"): round(float(v), 5) for name, v in found.items()}


def _beside(place: Path) -> Path:
    return place.with_name(f"{place.name}.part")


def _forget_parts(places: Iterable[Path]) -> None:
    for place in places:
        _beside(place).unlink(missing_ok=True)


def _put_in_place(part: Path, place: Path) -> None:
    """Rename a finished part to its place, once the disk has it; nothing to do where none was written."""
    if not part.exists():
        return
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(place)
