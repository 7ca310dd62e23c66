"""What the description of a TIFF says about its scale and its planes: OME-XML, ImageJ's and Aperio's texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

#: µm in the units that programs write, in lower case.
_MICRONS = {
    "pm": 1e-6, "å": 1e-4, "angstrom": 1e-4, "nm": 1e-3, "nanometer": 1e-3, "um": 1.0, "micron": 1.0, "micrometer": 1.0,
    "mm": 1e3, "millimeter": 1e3, "cm": 1e4, "centimeter": 1e4, "dm": 1e5, "m": 1e6, "meter": 1e6, "inch": 25_400.0,
    "in": 25_400.0, "inche": 25_400.0,
}  # fmt: skip
#: Words of the names of images that are not the slide.
_BESIDE = re.compile(r"\b(label|macro|thumbnail|overview|barcode)\b", re.IGNORECASE)
#: A description longer than this tells more than which image it is.
_LONGEST_NAME = 100
_RGB = (("r", "g", "b"), ("red", "green", "blue"))
_NUMBER = r"([^|\r\n]*)"


@dataclass(frozen=True)
class OmeImage:
    """One image of an OME-TIFF.

    Parameters
    ----------
    name : str
        Its name.
    size : tuple of int
        Width and height.
    channels, depths, times : int
        Number of channels (colours of one page are one channel), focal planes and times.
    channel_names : tuple of str
        Names of the channels, empty where there is none.
    bits : int, optional
        Number of bits that its samples really use.
    """

    name: str
    size: tuple[int, int]
    channels: int
    depths: int
    times: int
    channel_names: tuple[str, ...]
    bits: int | None

    @property
    def beside(self) -> bool:
        """Whether its name is that of a label, a macro or a thumbnail."""
        return is_beside(self.name)

    @property
    def is_colour(self) -> bool:
        """Whether its channels may be red, green and blue: so named, or without names."""
        names = tuple(name.strip().lower() for name in self.channel_names)
        return self.channels == 3 and (not any(names) or names in _RGB)


@dataclass(frozen=True)
class ImageText:
    """What the description of an image says.

    Parameters
    ----------
    claims : mapping of str to float
        As in `Facts`.
    unused : tuple of str
        As in `Facts`.
    images : tuple of OmeImage
        The images of an OME-TIFF; of several, only those of the size of the slide are the slide.
    planes : mapping of str to int
        Number of ImageJ's channels, focal planes and times, if more than one.
    is_imagej : bool
        Whether ImageJ's unit holds for the resolution tags.
    """

    claims: Mapping[str, float] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    images: tuple[OmeImage, ...] = ()
    planes: Mapping[str, int] = field(default_factory=dict)
    is_imagej: bool = False


def is_beside(name: str) -> bool:
    """Whether a short description is that of a label, a macro or a thumbnail."""
    second = name.partition("\n")[2].strip() if name.startswith("Aperio") else name
    return len(second) <= _LONGEST_NAME and _BESIDE.search(second) is not None


def ome_images(text: str) -> tuple[OmeImage, ...]:
    """The images of an OME-TIFF, by the description of its first page; none if it is not one."""
    return _ome(text, (0, 0)).images if is_ome(text) else ()


def is_ome(text: str) -> bool:
    """Whether a description is OME-XML."""
    return "<OME" in text[:2000]


def read_text(text: str, resolution: tuple[float | None, float | None], slide: tuple[int, int]) -> ImageText:
    """Read what a description says.

    Parameters
    ----------
    text : str
        Description of the image.
    resolution : tuple of float
        Pixels per unit in x and y, which ImageJ's unit belongs to; None if the tag is missing.
    slide : tuple of int
        Width and height of the slide, which tells it from other images of an OME-TIFF.
    """
    if text.startswith("ImageJ="):
        return _imagej(text, resolution)
    if text.startswith("Aperio"):
        return _aperio(text)
    if is_ome(text):
        return _ome(text, slide)
    return ImageText()


def microns(unit: str) -> float | None:
    """µm in a unit of length, as programs spell it; None if it is not one.

    Examples
    --------
    >>> microns("µm"), microns("Microns"), microns("nm"), microns("pixel")
    (1.0, 1.0, 0.001, None)
    """
    name = unit.strip().replace("\\u00B5", "u").replace("\\u00b5", "u").replace("Â", "").lower()
    name = re.sub("[µμ]", "u", name).replace("metre", "meter").replace("Å", "å")
    return _MICRONS.get(name) or _MICRONS.get(name.removesuffix("s"))


def _imagej(text: str, resolution: tuple[float | None, float | None]) -> ImageText:
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    units = {"x": said.get("unit", ""), "y": said.get("yunit") or said.get("unit", "")}
    claims: dict[str, float] = {}
    unused: list[str] = []
    for (axis, unit), pixels in zip(units.items(), resolution, strict=True):
        length = microns(unit)
        if length is not None and pixels:
            claims[f"ImageJ scale {axis}"] = length / pixels
        elif length is not None:
            unused.append(f"ImageJ unit is {unit}, but its resolution along {axis} is missing or 0")
        elif unit:
            unused.append(f"ImageJ unit is {unit!r}, which is not a length")
    names = {"channels": "channels", "slices": "focal planes", "frames": "times"}
    planes = {word: int(said[key]) for key, word in names.items() if said.get(key, "").isdigit()}
    planes = {word: n for word, n in planes.items() if n > 1}
    images = said.get("images", "")
    if not planes and images.isdigit() and int(images) > 1:
        planes["images"] = int(images)
    return ImageText(claims, tuple(dict.fromkeys(unused)), planes=planes, is_imagej="unit" in said)


def _aperio(text: str) -> ImageText:
    claims: dict[str, float] = {}
    unused: list[str] = []
    for key, names in {"AppMag": ("objective power",), "MPP": ("mpp x", "mpp y")}.items():
        found = re.search(rf"\|\s*{key}\s*=\s*{_NUMBER}", text)
        if found is None:
            continue
        value = number(found[1])
        if value is None:
            unused.append(f"{key} is {found[1].strip()!r}, which is not a number")
        else:
            claims |= dict.fromkeys(names, value)
    return ImageText(claims, tuple(unused))


def _ome(text: str, slide: tuple[int, int]) -> ImageText:
    try:
        root = ElementTree.fromstring(text[text.index("<") :].strip().rstrip("\0"))
    except ElementTree.ParseError as error:
        return ImageText(unused=(f"OME description cannot be read: {error}",))
    found = [(image, pixels) for image in root.iterfind("{*}Image") for pixels in image.iterfind("{*}Pixels")]
    images = tuple(_ome_image(image, pixels) for image, pixels in found)
    claims: dict[str, float] = {}
    unused: list[str] = []
    chosen = [
        pixels for one, (_, pixels) in zip(images, found, strict=True) if one.size == slide and not one.beside
    ]
    for axis in "xy" if chosen else "":
        _ome_size(chosen[0], axis, claims, unused)
    powers = {
        number(lens.get("NominalMagnification")) for lens in root.iterfind("{*}Instrument/{*}Objective")
    }
    if len(powers) == 1 and (power := powers.pop()):
        claims["objective power"] = power
    return ImageText(claims, tuple(unused), images)


def _ome_image(image: ElementTree.Element, pixels: ElementTree.Element) -> OmeImage:
    def size(axis: str) -> int:
        return int(number(pixels.get(f"Size{axis}")) or 1)

    channels = list(pixels.iterfind("{*}Channel"))
    bits = number(pixels.get("SignificantBits"))
    return OmeImage(
        image.get("Name") or "",
        (size("X"), size("Y")),
        len(channels) or size("C"),
        size("Z"),
        size("T"),
        tuple(channel.get("Name") or "" for channel in channels),
        None if bits is None else int(bits),
    )


def _ome_size(pixels: ElementTree.Element, axis: str, claims: dict[str, float], unused: list[str]) -> None:
    """Add the size of a pixel along an axis, or why it cannot be used."""
    name = f"PhysicalSize{axis.upper()}"
    said = pixels.get(name)
    if said is None:
        return
    value, unit = number(said), pixels.get(f"{name}Unit", "µm")
    length = microns(unit)
    if value is None:
        unused.append(f"{name} is {said!r}, which is not a number")
    elif length is None:
        unused.append(f"{name} is {said} {unit!r}, which is not a length")
    else:
        claims[f"OME pixel size {axis}"] = value * length


def number(text: str | None) -> float | None:
    """A number in a text, also with a decimal comma; None if it is not one."""
    try:
        return None if text is None else float(text.strip().replace(",", "."))
    except ValueError:
        return None
