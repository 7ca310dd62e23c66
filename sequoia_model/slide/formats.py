"""Formats of slides by the endings of their names: which are read, and why others are not."""

from __future__ import annotations

from pathlib import Path

#: Endings of the files that a search of a folder takes for slides.
SLIDE_SUFFIXES = (
    ".svs", ".svslide", ".ndpi", ".tif", ".tiff", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".czi", ".dcm",
    ".png", ".jpg", ".jpeg",
)  # fmt: skip
#: Of these, the endings of plain images, which may hold a PNG or JPEG whatever they say.
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
#: Endings of files that are slides if their content is TIFF.
MAYBE_SLIDES = (".btf", ".tf2", ".tf8", ".qptiff", ".ptif", ".ptiff", ".gtif")
_NOT_READ = {
    ".vsi": "Olympus VSI", ".isyntax": "Philips iSyntax", ".i2syntax": "Philips iSyntax", ".zvi": "Zeiss ZVI",
    ".lif": "Leica LIF", ".lof": "Leica LOF", ".nd2": "Nikon ND2", ".oir": "Olympus OIR", ".ims": "Imaris",
    ".kfb": "KFBio", ".sdpc": "Sqray SDPC", ".tmap": "Motic TMAP", ".mds": "Motic MDS", ".afi": "Aperio AFI",
    ".ndpis": "Hamamatsu NDPIS", ".jp2": "JPEG 2000", ".j2k": "JPEG 2000", ".jpx": "JPEG 2000", ".bmp": "BMP",
    ".gif": "GIF", ".webp": "WebP", ".zarr": "OME-Zarr", ".czi": "Zeiss CZI",
    ".oib": "Olympus OIB", ".oif": "Olympus OIF", ".ets": "Olympus ETS", ".vmic": "PreciPoint VMIC",
    ".heic": "HEIC", ".heif": "HEIF", ".avif": "AVIF", ".jxl": "JPEG XL",
}  # fmt: skip
_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")
#: Of these, only compressed slides count: `a.svs.gz`, not `a.geojson.gz`.
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".filepart", ".aria2")
#: Ends of the names of files that stand for another, if before it is the ending of a slide; and what is said of them.
_ASIDE, ASIDE = (".tmp", ".bak", ".old", ".orig", "~"), "a temporary file or a backup, by its name"
#: What to do with a format that is not read.
CONVERT = "convert it to a pyramid TIFF, as QuPath (File > Export images > OME TIFF) and bfconvert do"


def is_slide(path: str | Path) -> bool:
    """Whether a file name has the suffix of a slide."""
    return Path(path).suffix.lower() in SLIDE_SUFFIXES


def why_not_read(path: str | Path) -> tuple[str, str]:
    """Why a file cannot be read, judged by its name, and what to do; empty if its name tells nothing.

    Examples
    --------
    >>> why_not_read("a.vsi")[0], why_not_read("a.svs.gz")[0], why_not_read("a.geojson.gz")
    ('Olympus VSI is not read', 'the file is an archive', ('', ''))
    """
    name = Path(path).name.lower()
    ending = Path(name).suffix
    if ending in _NOT_READ:
        return f"{_NOT_READ[ending]} is not read", CONVERT
    if ending in MAYBE_SLIDES:
        return "the file is not a TIFF, as its name says", "get a new copy of the file"
    if ending in _UNFINISHED:
        return "the download is not finished", "download the file again"
    if name.endswith("~"):
        ending = "~"
    inner = Path(name.removesuffix(ending)).suffix
    stands_for_slide = inner in (*SLIDE_SUFFIXES, *MAYBE_SLIDES, *_NOT_READ)
    if ending in _ASIDE and stands_for_slide:
        return ASIDE, "if it is the slide, give it the name of one"
    if ending in _ARCHIVES and (ending not in _COMPRESSED or inner == ".tar" or stands_for_slide):
        return "the file is an archive", "unpack it first"
    return "", ""


def lacking(path: Path) -> tuple[str, str]:
    """Why an MRXS cannot be read, judged by the folder of the same name that holds its pixels, and what to do."""
    folder = path.with_suffix("")
    if not folder.is_dir():
        what = f"the slide's folder {folder.name}/ (Slidedat.ini, Data*.dat) is missing beside it"
    elif not (folder / "Slidedat.ini").is_file():
        what = f"the slide's folder {folder.name}/ holds no Slidedat.ini"
    else:
        what = f"the slide or its folder {folder.name}/ is damaged"
    return what, f"copy {path.name} together with its folder {folder.name}/ from where the slide was scanned"
