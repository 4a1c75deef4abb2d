"""How a deployment's owner wants its model served: by which runtime, in which precision, at which image size."""

from dataclasses import asdict, dataclass

from django.conf import settings

from apps.inference.services.proving import Way
from apps.models import services as models
from apps.models.models import ServingBuild, TrainedModel

LEAST_SIZE, MOST_SIZE, STEP = 32, 2048, 32


class ChoiceRefused(ValueError):
    """The model cannot be served so; `field` is to blame and the message says what can."""

    def __init__(self, field, message):
        self.field = field
        super().__init__(message)


@dataclass(frozen=True)
class Choice:
    """What was chosen; "auto" and no size leave it to the platform and the model."""

    runtime: str = "auto"
    precision: str = "auto"
    img_size: int | None = None

    def size_of(self, model):
        """The longer side in pixels at which `model` is served."""
        return self.img_size or model.img_size

    def is_default(self, model):
        """Whether the model's own build is what was chosen."""
        return (self.runtime, self.precision, self.size_of(model)) == ("auto", "auto", model.img_size)

    def key(self, model):
        """The fields of the ServingBuild."""
        return asdict(self) | {"img_size": self.size_of(model)}

    @property
    def programs(self):
        """The runtimes that are tried."""
        wanted = settings.SERVING_RUNTIME if self.runtime == "auto" else self.runtime
        if self.precision in ("bf16", "int8"):
            wanted = "openvino"  # the only one that has them
        return ("openvino", "onnxruntime") if wanted == "auto" else (wanted,)

    @property
    def wants_onnx(self):
        return "onnxruntime" in self.programs

    @property
    def tries_int8(self):
        """Whether int8 is tried, and taken where it proves to be as good, without having been asked for."""
        return self.precision == "auto" and settings.SERVING_PRECISION == "auto" and "openvino" in self.programs

    def ways(self, openvino, onnx):
        """What is tried, over the folders of the two formats (None: there is none)."""
        found = []
        if "openvino" in self.programs and self.precision in ("auto", "f32"):
            found.append(Way("openvino", openvino))
        allowed = self.precision == "bf16" or (self.precision == "auto" and settings.SERVING_PRECISION != "f32")
        if "openvino" in self.programs and allowed:
            found.append(Way("openvino", openvino, "bf16"))
        if onnx and self.wants_onnx and self.precision in ("auto", "f32"):
            found.append(Way("onnxruntime", onnx))
        return found


def choice_of(deployment):
    """What its owner has chosen for what answers now."""
    build = deployment.build
    return Choice(build.runtime, build.precision, build.img_size) if build else Choice()


def check_choice(choice, model):
    """Raise ChoiceRefused for what cannot be built of `model`."""
    if choice.runtime not in dict(ServingBuild.RUNTIMES):
        raise ChoiceRefused("runtime", "Accepted: auto, openvino, onnxruntime.")
    if choice.precision not in dict(ServingBuild.PRECISIONS):
        raise ChoiceRefused("precision", "Accepted: auto, f32, bf16, int8.")
    size = choice.size_of(model)
    if size != model.img_size and (size % STEP or not LEAST_SIZE <= size <= MOST_SIZE):
        raise ChoiceRefused("img_size", f"Accepted: multiples of {STEP} from {LEAST_SIZE} to {MOST_SIZE} pixels.")
    if choice.runtime == "onnxruntime" and choice.precision in ("bf16", "int8"):
        raise ChoiceRefused("precision", "ONNX Runtime serves f32 here. Choose OpenVINO for bf16 and int8.")
    if model.format == TrainedModel.Format.ONNX:
        if choice.precision == "int8":
            raise ChoiceRefused("precision", "int8 is made of .pt weights, and this model came as ONNX.")
        if size != model.img_size and max((model.card or {}).get("input", [-1])[2:], default=-1) > 0:
            raise ChoiceRefused("img_size", f"This ONNX file takes pictures of {model.img_size} px alone.")
    if choice.precision == "int8" and models.version_to_prove_on(model) is None:
        raise ChoiceRefused(
            "precision", "int8 is calibrated on training images: evaluate the model on a dataset, then choose it."
        )
