"""The names that a checkpoint of Ultralytics may hold: whatever is not here is refused.

Taken from checkpoints of every architecture of the registry, made from their yaml and trained (best.pt, last.pt, and
last.pt before ultralytics strips it of optimizer and EMA), and from what ultralytics' own loader says that older
checkpoints hold. A test makes them anew and holds this list against them.

What a name is good for decides what may be done with it: see `torch_pickle`.
"""

from __future__ import annotations

LAYERS = {
    "torch.nn.modules.activation": "GELU LeakyReLU MultiheadAttention ReLU Sigmoid SiLU",
    "torch.nn.modules.batchnorm": "BatchNorm2d",
    "torch.nn.modules.container": "ModuleList Sequential",
    "torch.nn.modules.conv": "Conv2d ConvTranspose2d",
    "torch.nn.modules.dropout": "Dropout",
    "torch.nn.modules.linear": "Identity Linear NonDynamicallyQuantizableLinear",
    "torch.nn.modules.loss": "BCEWithLogitsLoss",
    "torch.nn.modules.normalization": "LayerNorm",
    "torch.nn.modules.padding": "ZeroPad2d",
    "torch.nn.modules.pooling": "MaxPool2d",
    "torch.nn.modules.sparse": "Embedding",
    "torch.nn.modules.upsampling": "Upsample",
    # where the layers were until 8.0.90, and are found still
    "ultralytics.nn.modules": "Bottleneck C2f C3 Concat Conv DFL DWConv Detect Proto SPPF Segment",
    "ultralytics.nn.modules.block": (
        "A2C2f AAttn ABlock AConv ADown Attention Bottleneck C2 C2f C2fCIB C2PSA C3 C3Ghost C3k C3k2 CBFuse CBLinear "
        "CIB DFL ELAN1 GhostBottleneck HGBlock HGStem PSA PSABlock Proto Proto26 RepBottleneck RepC3 RepCSP "
        "RepNCSPELAN4 RepVGGDW ResNetBlock ResNetLayer SCDown SPP SPPELAN SPPF Silence"
    ),
    "ultralytics.nn.modules.conv": "Concat Conv DWConv GhostConv LightConv RepConv",
    "ultralytics.nn.modules.head": "Detect RTDETRDecoder Segment Segment26 v10Detect",
    "ultralytics.nn.modules.transformer": (
        "AIFI DeformableTransformerDecoder DeformableTransformerDecoderLayer MLP MSDeformAttn TransformerEncoderLayer"
    ),
    "ultralytics.nn.tasks": "DetectionModel RTDETRDetectionModel SegmentationModel YOLOv10DetectionModel",
    "ultralytics.utils.loss": "BboxLoss DFLoss E2EDetectLoss v10DetectLoss v8DetectionLoss v8SegmentationLoss",
    "ultralytics.utils.tal": "TaskAlignedAssigner",
}
STORAGES = {
    "FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "DoubleStorage": 8, "LongStorage": 8, "IntStorage": 4,
    "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1,
}  # fmt: skip
CALLS = {
    "torch._utils._rebuild_tensor_v2": "tensor", "torch._utils._rebuild_parameter": "parameter",
    "collections.OrderedDict": "dict", "__builtin__.set": "set", "builtins.set": "set", "torch.Size": "size",
    "torch.device": "device", "_codecs.encode": "bytes", "numpy.dtype": "dtype",
    "numpy.core.multiarray.scalar": "scalar", "numpy._core.multiarray.scalar": "scalar",
    "ultralytics.utils.IterableSimpleNamespace": "namespace",
    "ultralytics.yolo.utils.IterableSimpleNamespace": "namespace",
    "pathlib.PosixPath": "path", "pathlib.WindowsPath": "path",
    "pathlib._local.PosixPath": "path", "pathlib._local.WindowsPath": "path",
}  # fmt: skip

# The layers that an architecture's yaml names: ultralytics looks such a name up and calls it with what the yaml says.
YAML_LAYERS = {
    "nn.ConvTranspose2d", "nn.Identity", "nn.MaxPool2d", "nn.Upsample", "nn.ZeroPad2d", "Conv", "DWConv", "Concat",
    "GhostConv", "LightConv", "RepConv", "A2C2f", "AConv", "ADown", "AIFI", "C2", "C3Ghost", "ResNetLayer", "SPP",
    "C2f", "C2fCIB", "C2PSA", "C3", "C3k2", "CBFuse", "CBLinear", "ELAN1", "HGBlock", "HGStem", "PSA", "RepC3",
    "RepNCSPELAN4", "SCDown", "SPPELAN", "SPPF", "Detect", "Segment", "Segment26", "v10Detect", "RTDETRDecoder",
    "Silence", "Bottleneck",
}  # fmt: skip


def kinds() -> dict[str, str]:
    """{module.name: what it is: "layer", "storage", or what a call of it gives}."""
    known = {f"{module}.{name}": "layer" for module, names in LAYERS.items() for name in names.split()}
    return known | {f"torch.{name}": "storage" for name in STORAGES} | CALLS
