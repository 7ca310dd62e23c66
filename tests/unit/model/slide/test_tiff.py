"""TIFFs of many kinds: their scale, the pages that are the slide, and how samples become RGB."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from sequoia_model.errors import InputError
from sequoia_model.slide import Slide, open_slide
from sequoia_model.slide.sources._image_text import microns
from sequoia_model.slide.sources.tiff import read_tiff
from tests.build.slides import cut_off, make_picture, make_ring, write_slide, write_tiff

PICTURE = make_picture((320, 256), ((20, 20, 300, 200),))  # 640 × 512 px
PLANES = np.ascontiguousarray(np.moveaxis(PICTURE, 2, 0))
DEEP = PICTURE.astype(np.uint16)
GREY = {"photometric": "minisblack"}
SMALL = np.ascontiguousarray(PICTURE[::4, ::4])
MACRO = np.full((215, 640, 3), 200, np.uint8)
DATA = Path(__file__).parents[3] / "data" / "slides"


def pixels_of(slide: Slide) -> np.ndarray:
    return slide.read(0, 0, 512, 512)


def ome(**said: object) -> dict[str, object]:
    return {"metadata": {"axes": "YXS"} | said}


def imagej(unit: str, pixels: float) -> dict[str, object]:
    return {
        "description": f"ImageJ=1.54f\nunit={unit}\n",
        "resolution": (pixels, pixels),
        "resolutionunit": "NONE",
    }


def aperio(words: str) -> dict[str, object]:
    return {"description": f"Aperio Image Library v11\n640x512|{words}"}


def size(value: float, unit: str | None = None) -> dict[str, object]:
    units = {} if unit is None else {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
    return ome(PhysicalSizeX=value, PhysicalSizeY=value, **units)


@pytest.mark.parametrize("tile", [0, 256], ids=["strips", "tiles"])
@pytest.mark.parametrize(
    ("name", "options", "source"),
    [
        ("S.ome.tif", size(0.25, "µm"), "OME pixel size"),
        ("S.ome.tif", size(250, "nm"), "OME pixel size"),
        ("S.ome.tif", size(0.00025, "mm"), "OME pixel size"),
        ("S.ome.tif", size(2500, "Å"), "OME pixel size"),
        ("S.ome.tif", size(250_000, "pm"), "OME pixel size"),
        ("S.ome.tif", size(0.25), "OME pixel size"),
        ("S.tif", {"mpp": 0.25}, "TIFF resolution"),
        ("S.tif", {"mpp": 0.25, "big": True}, "TIFF resolution"),
        ("S.tif", {"resolution": (101_600, 101_600), "resolutionunit": "INCH"}, "TIFF resolution"),
        ("S.tif", imagej("um", 4), "ImageJ scale"),
        ("S.tif", imagej("\\u00B5m", 4), "ImageJ scale"),
        ("S.tif", imagej("micron", 4), "ImageJ scale"),
        ("S.tif", imagej("nm", 0.004), "ImageJ scale"),
        ("S.tif", imagej("cm", 40_000), "ImageJ scale"),
        ("S.tif", imagej("inch", 101_600), "ImageJ scale"),
        ("S.tif", aperio("AppMag = 40|MPP = 0.25"), "mpp"),
        ("S.tif", aperio("AppMag = 40|MPP = 0,25"), "mpp"),
    ],
)  # fmt: skip
def test_a_tiff_is_read_at_the_scale_that_it_states(tmp_path, name, options, source, tile):
    with open_slide(write_tiff(tmp_path / name, PICTURE, tile=tile, **options)) as slide:
        assert slide.mpp == pytest.approx(0.25, rel=1e-4) and slide.resolution.source == source
        np.testing.assert_array_equal(pixels_of(slide), PICTURE[:512, :512])


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("S.ome.tif", size(1, "pixel"), "PhysicalSizeX is 1 'pixel', which is not a length"),
        ("S.ome.tif", size(250), "OME pixel size of 250 × 250 µm/px is implausible"),
        ("S.ome.tif", size(0), "OME pixel size of 0 × 0 µm/px is implausible"),
        ("S.ome.tif", ome(PhysicalSizeX=0.25, PhysicalSizeY=0.5), "0.25 µm/px in x and 0.5 in y"),
        ("S.ome.tif", size(0.25) | {"mpp": 0.5}, "OME pixel size is 0.25 µm/px, but its TIFF resolution is 0.5"),
        ("S.tif", imagej("pixel", 1), "ImageJ unit is 'pixel', which is not a length"),
        ("S.tif", imagej("parsec", 4), "ImageJ unit is 'parsec'"),
        ("S.tif", {"mpp": 0.0274}, "TIFF resolution of 0.0274 × 0.0274 µm/px is implausible"),
        ("S.tif", {"resolution": (300, 300), "resolutionunit": "INCH"}, "(300 dpi) is that of a screen or printer"),
        ("S.tif", {"resolution": (4, 4), "resolutionunit": "NONE"}, "TIFF resolution of 4 pixels has no unit"),
        ("S.tif", {"resolution": (4, 4), "resolutionunit": 5}, "has an unknown unit (ResolutionUnit 5)"),
        ("S.tif", aperio("MPP = n/a"), "MPP is 'n/a', which is not a number"),
        ("S.tif", {}, "the file does not state its µm per pixel"),
    ],
)  # fmt: skip
def test_a_scale_that_is_not_believed_is_named_and_the_option_helps(tmp_path, name, options, words):
    path = write_tiff(tmp_path / name, PICTURE, **options)
    with pytest.raises(InputError, match=r"--slide-mpp X") as error:
        open_slide(path)
    assert words in error.value.what
    with open_slide(path, mpp=0.5) as slide:
        assert slide.mpp == 0.5


@pytest.mark.parametrize(
    ("unit", "microns_of"), [("µm", 1), ("μm", 1), ("Âµm", 1), ("Microns", 1), ("micrometre", 1)]
)
def test_spellings_of_units(unit, microns_of):
    assert microns(unit) == microns_of


def pyramid(path: Path, mpps: tuple[float, float], flags: tuple[int, int] = (0, 1), order: int = 1) -> Path:
    """A picture and its quarter with resolutions and subfiletypes of their own, in this order or the other."""
    with tifffile.TiffWriter(path) as file:
        for pixels, mpp, flag in [*zip((PICTURE, SMALL), mpps, flags, strict=True)][::order]:
            file.write(
                pixels, tile=(256, 256), photometric="rgb", subfiletype=flag, metadata=None,
                resolution=(1e4 / mpp, 1e4 / mpp), resolutionunit="CENTIMETER",
            )  # fmt: skip
    return path


@pytest.mark.parametrize("mpps", [(0.25, 1.0), (0.25, 0.25)], ids=["own", "copied"])
@pytest.mark.parametrize(("flags", "order"), [((0, 1), 1), ((0, 1), -1), ((0, 0), -1)])
def test_levels_in_any_order_have_the_scale_of_the_finest(tmp_path, mpps, flags, order):
    with open_slide(pyramid(tmp_path / "S.tif", mpps, flags, order)) as slide:
        assert slide.mpp == pytest.approx(0.25) and [level.downsample for level in slide.levels] == [1, 4]
        np.testing.assert_array_equal(pixels_of(slide), PICTURE[:512, :512])


def test_a_level_that_contradicts_the_scale_is_refused(tmp_path):
    path = pyramid(tmp_path / "S.tif", (0.25, 2.0))
    with pytest.raises(InputError, match=r"its TIFF resolution of level 1 is 0\.5"):
        open_slide(path)
    with open_slide(path, mpp=0.25) as slide:
        assert slide.mpp == 0.25


@pytest.mark.parametrize("tile", [0, 256], ids=["strips", "tiles"])
@pytest.mark.parametrize(
    ("name", "pixels", "options", "note"),
    [
        ("S.ome.tif", PLANES, GREY | {"metadata": {"axes": "CYX"}}, "three grey pages were taken for red"),
        ("S.ome.tif", PLANES, GREY | {"metadata": {"axes": "CYX", "Channel": {"Name": ["Red", "Green", "Blue"]}}}, ""),
        ("S.tif", PLANES, {"planarconfig": "separate"}, ""),
        ("S.tif", PLANES.astype(np.uint16) * 257, {"planarconfig": "separate"}, ""),
        ("S.tif", DEEP * 257, {}, ""),
        ("S.tif", DEEP * 16, {}, "values of 12 bits"),
        ("S.tif", DEEP * 4, {}, "values of 10 bits"),
        ("S.tif", DEEP, {}, "values of 8 bits"),
        ("S.tif", np.dstack([PICTURE, PLANES[0]]), {"extrasamples": ["unspecified"]}, "only the first 3 were read"),
        ("S.tif", np.dstack([PICTURE, PLANES[0] * 0]), {"extrasamples": ["unassalpha"]}, "transparency was ignored"),
        ("S.tif", np.dstack([PICTURE, PLANES[0] * 0 + 255]), {"extrasamples": ["assocalpha"]}, ""),
        ("S.tif", PICTURE, {"compression": "jpeg2000"}, ""),
        ("S.tif", PICTURE, {"compression": "webp", "compressionargs": {"lossless": True}}, ""),
    ],
)  # fmt: skip
def test_every_way_of_storing_colours_gives_the_same_pixels(tmp_path, name, pixels, options, note, tile):
    with open_slide(write_tiff(tmp_path / name, pixels, tile=tile, **options), mpp=0.5) as slide:
        np.testing.assert_array_equal(pixels_of(slide), PICTURE[:512, :512])
        assert note in " ".join(slide.resolution.notes) and (note or slide.resolution.notes == ())


@pytest.mark.parametrize(("kind", "colour"), [("unassalpha", 100), ("assocalpha", 50)])
@pytest.mark.parametrize("tile", [0, 256])
def test_half_transparent_pixels_are_mixed_with_white(tmp_path, kind, colour, tile):
    pixels = np.full((512, 640, 4), 128, np.uint8)
    pixels[..., :3] = colour
    pixels[:, 576:] = 255
    with open_slide(write_tiff(tmp_path / "S.tif", pixels, tile=tile, extrasamples=[kind]), mpp=0.5) as slide:
        assert np.abs(pixels_of(slide).astype(int) - 177).max() <= 1  # 100 · ½ + 255 · ½
        assert slide.resolution.notes == (
            "90% of the pixels are transparent, in part or in full, and were laid over white",
        )


def larger(share: float, value: int) -> np.ndarray:
    """Samples of 12 bits, a share of which is larger, in rows at the bottom."""
    pixels = DEEP * 16
    flat = pixels.reshape(-1)
    flat[len(flat) - max(round(share * len(flat)), 1) :] = value
    return pixels


@pytest.mark.parametrize("tile", [0, 256], ids=["strips", "tiles"])
@pytest.mark.parametrize(
    ("pixels", "share"),
    [
        (larger(0, 65_535), "less than 0.1%"),
        (larger(0, 4_200), "less than 0.1%"),
        (larger(0.0008, 30_000), "less than 0.1%"),
        (larger(0.1, 65_535), "10%"),
        (larger(0.75, 65_535), "75%"),
    ],
    ids=["hot", "just above", "dust", "filled", "mostly filled"],
)
def test_few_larger_samples_do_not_darken_those_of_12_bits(tmp_path, pixels, share, tile):
    with open_slide(write_tiff(tmp_path / "S.tif", pixels, tile=tile), mpp=0.5) as slide:
        np.testing.assert_array_equal(pixels_of(slide)[:128], PICTURE[:128, :512])
        (note,) = slide.resolution.notes
        assert "values of 12 bits" in note and f"larger values, {share} of all, were cut off" in note


@pytest.mark.parametrize("tile", [0, 256], ids=["strips", "tiles"])
def test_samples_that_are_mostly_of_12_bits_are_said_to_be_read_too_dark(tmp_path, tile):
    with open_slide(write_tiff(tmp_path / "S.tif", larger(0.1, 40_000), tile=tile), mpp=0.5) as slide:
        (note,) = slide.resolution.notes
        assert note.startswith("90% of the samples of 16 bits are below 4,096")
    scaled = np.minimum(larger(0.1, 40_000), 4095) * 16
    with open_slide(write_tiff(tmp_path / "T.tif", scaled, tile=tile), mpp=0.5) as slide:
        np.testing.assert_array_equal(pixels_of(slide)[:256], PICTURE[:256, :512])
        assert slide.resolution.notes == ()


@pytest.mark.parametrize("tile", [0, 256], ids=["strips", "tiles"])
@pytest.mark.parametrize(
    ("white", "n_notes", "words"),
    [
        (60_000, 0, ""),
        (40_000, 1, "40,000 of 65,535, which is read as 156 of 255"),
        (32_767, 1, "32,767 of 65,535, which is read as 127 of 255"),
        (20_000, 1, "20,000 of 65,535, which is read as 78 of 255"),
        (8_191, 2, "8,191 of 16,383, which is read as 127 of 255"),
        (511, 2, "511 of 1,023, which is read as 127 of 255"),
    ],
)
def test_a_slide_of_16_bits_whose_white_is_dark_is_not_brightened_but_said_to_be_dark(
    tmp_path, white, n_notes, words, tile
):
    pixels = (make_picture((320, 256), background=(255, 255, 255)) / 255 * white).astype(np.uint16)
    with open_slide(write_tiff(tmp_path / "S.tif", pixels, tile=tile), mpp=0.5) as slide:
        notes = slide.resolution.notes
        assert len(notes) == n_notes and words in " ".join(notes)


@pytest.mark.parametrize("fill", [0, 65_535])
def test_an_empty_area_does_not_change_the_depth(tmp_path, fill):
    pixels = DEEP * 257
    pixels[2:] = fill
    pixels[:2, ::2] = 20_000
    with open_slide(write_tiff(tmp_path / "S.tif", pixels, tile=256), mpp=0.5) as slide:
        assert slide.resolution.notes == () and (slide.read(0, 0, 256)[0, ::2] == 20_000 >> 8).all()


def with_alpha(alpha, dtype=np.uint8) -> np.ndarray:
    """The picture with a fourth channel, in colours that fill the type."""
    scale = np.iinfo(dtype).max // 255
    return np.dstack([PICTURE.astype(dtype) * scale, np.broadcast_to(alpha, PICTURE.shape[:2]).astype(dtype)])


@pytest.mark.parametrize("tile", [0, 256], ids=["strips", "tiles"])
@pytest.mark.parametrize(
    ("pixels", "kind", "stored"),
    [
        (with_alpha(1), "unassalpha", "1 of 255"),
        (with_alpha(1), "assocalpha", "1 of 255"),
        (with_alpha(200), "unassalpha", "200 of 255"),
        (with_alpha(100 + np.arange(640) % 2), "unassalpha", "101 of 255"),
        (with_alpha(255, np.uint16), "unassalpha", "255 of 65,535"),
        (with_alpha(np.arange(640) % 250, np.uint16), "unassalpha", "249 of 65,535"),
        (with_alpha(1, np.uint16), "assocalpha", "1 of 65,535"),
    ],
)
def test_a_transparency_that_is_the_same_everywhere_is_ignored_with_a_note(
    tmp_path, pixels, kind, stored, tile
):
    path = write_tiff(tmp_path / "S.tif", pixels, tile=tile, extrasamples=[kind])
    with open_slide(path, mpp=0.5) as slide:
        np.testing.assert_array_equal(pixels_of(slide), PICTURE[:512, :512])
        assert [note for note in slide.resolution.notes if stored in note and "ignored" in note]


RARELY_SEEN = np.zeros(PICTURE.shape[:2])
RARELY_SEEN[0, :10] = 255


@pytest.mark.parametrize("tile", [0, 256], ids=["strips", "tiles"])
@pytest.mark.parametrize(
    ("pixels", "kind"),
    [
        (with_alpha((255 - PICTURE[..., 1]) // 4), "unassalpha"),
        (with_alpha(np.arange(640) // 4), "unassalpha"),
        (with_alpha(RARELY_SEEN), "unassalpha"),
        (with_alpha(200), "assocalpha"),
    ],
    ids=["data", "a ramp", "ten pixels", "the same for all, premultiplied"],
)
def test_a_transparency_that_hides_nearly_all_is_refused_and_the_way_out_works(tmp_path, pixels, kind, tile):
    if kind == "assocalpha":
        pixels[..., :3] = np.minimum(pixels[..., :3], pixels[..., 3:])
    path = write_tiff(tmp_path / "S.tif", pixels, tile=tile, extrasamples=[kind])
    with pytest.raises(InputError, match="hide or fade nearly all of the slide") as error:
        open_slide(path, mpp=0.5)
    assert "RGB of 8 bits, without" in error.value.fix
    write_tiff(path, PICTURE, tile=tile)
    with open_slide(path, mpp=0.5) as slide:
        assert slide.resolution.notes == ()


@pytest.mark.parametrize("tile", [0, 256], ids=["strips", "tiles"])
@pytest.mark.parametrize("kind", ["palette", "CMYK"])
def test_palettes_and_inks_have_the_colours_of_pillow(tmp_path, kind, tile, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    if kind == "CMYK":
        image, options = Image.fromarray(PICTURE).convert("CMYK"), {"photometric": "separated"}
    else:
        image = Image.fromarray(PICTURE).quantize(16)
        colours = np.array((image.getpalette() + [0] * 768)[:768], np.uint16).reshape(256, 3)
        options = {"photometric": "palette", "colormap": colours.T * 257}
    with open_slide(
        write_tiff(tmp_path / "S.tif", np.asarray(image), tile=tile, **options), mpp=0.5
    ) as slide:
        np.testing.assert_array_equal(pixels_of(slide), np.asarray(image.convert("RGB"))[:512, :512])


FLUORESCENCE = np.repeat(PLANES[:1], 5, axis=0).astype(np.uint16)
REFUSED = {
    "fluorescence": ("S.ome.tif", (FLUORESCENCE,), GREY | {"metadata": {"axes": "CYX"}}, "5 grey images"),
    "named": (
        "S.ome.tif", (PLANES,), GREY | {"metadata": {"axes": "CYX", "Channel": {"Name": ["DAPI", "FITC", "Cy5"]}}},
        "(DAPI, FITC, Cy5), such as channels of fluorescence",
    ),
    "five samples": ("S.tif", (np.moveaxis(FLUORESCENCE, 0, 2),), GREY | {"planarconfig": "contig"}, "has 5 channels"),
    "grey pages": ("S.tif", tuple(PLANES), GREY, "3 grey images"),
    "deep pages": (
        "S.ome.tif", (PLANES.astype(np.uint16) * 257,), GREY | {"metadata": {"axes": "CYX"}},
        "3 grey images of 640 × 512 px with 16 bits; such images are taken for red, green and blue only if they have 8",
    ),
    "focal planes": ("S.ome.tif", (np.stack([PICTURE] * 3),), {"metadata": {"axes": "ZYXS"}}, "3 focal planes"),
    "times": ("S.ome.tif", (np.stack([PICTURE] * 2),), {"metadata": {"axes": "TYXS"}}, "2 times"),
    "scenes": ("S.ome.tif", (PICTURE, PICTURE[:300]), {"metadata": {"axes": "YXS"}}, "2 scenes"),
    "ImageJ": ("S.tif", (PLANES[0],), GREY | {"description": "ImageJ=1.5\nimages=3\nchannels=3\n"}, "3 channels"),
    "two shapes": ("S.tif", (MACRO, PICTURE), {}, "unclear which image is the slide"),
    "floating-point": ("S.tif", (PICTURE.astype(np.float32) / 255,), {}, "pixels are floating-point numbers"),
    "32 bits": ("S.tif", (PICTURE.astype(np.uint32),), {}, "32 bits per sample"),
    "signed": ("S.tif", (PICTURE.astype(np.int16),), {}, "signed integers of 16 bits"),
}  # fmt: skip


@pytest.mark.parametrize("tile", [0, 256], ids=["strips", "tiles"])
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_stained_slide_or_not_one_image_is_refused_with_the_cause(tmp_path, kind, tile):
    name, pages, options, words = REFUSED[kind]
    with pytest.raises(InputError) as error:
        open_slide(write_tiff(tmp_path / name, *pages, tile=tile, **options), mpp=0.5)
    assert words in error.value.what and "damaged" not in error.value.what and error.value.fix


@pytest.mark.parametrize("described", ["macro", "Aperio Image Library v11\nmacro 640x215", None])
def test_a_macro_is_neither_a_level_nor_the_slide(tmp_path, described):
    path = tmp_path / "S.tif"
    with tifffile.TiffWriter(path) as file:
        for pixels, text, flag in [(PICTURE, None, 0), (MACRO[:, :400], described, 1), (SMALL, None, 1)]:
            file.write(
                pixels, tile=(256, 256), photometric="rgb", description=text, subfiletype=flag, metadata=None
            )
    with open_slide(path, mpp=0.5) as slide:
        assert [level.size for level in slide.levels] == [(640, 512), (160, 128)]
        told = "contains 3 images; only that of 640 × 512 px was read" in " ".join(slide.resolution.notes)
        assert told == (described is None)


@pytest.mark.parametrize("tile", [0, 256], ids=["strips", "tiles"])
def test_of_images_of_one_size_the_first_is_read_with_a_note(tmp_path, tile):
    path = write_tiff(tmp_path / "S.tif", PICTURE, 255 - PICTURE, 255 - PICTURE, tile=tile)
    with open_slide(path, mpp=0.5) as slide:
        np.testing.assert_array_equal(pixels_of(slide), PICTURE[:512, :512])
        assert "3 images; only the first of the 3 of 640 × 512 px was read" in " ".join(
            slide.resolution.notes
        )


@pytest.mark.parametrize(("described", "tile"), [("label 640x215", (256, 256)), (None, None)])
def test_a_first_image_that_is_passed_over_is_noted(tmp_path, described, tile):
    path = tmp_path / "S.tif"
    with tifffile.TiffWriter(path) as file:
        for pixels, text, tiled in [(MACRO[:, :400], described, tile), (PICTURE, None, (256, 256))]:
            file.write(pixels, tile=tiled, photometric="rgb", description=text, metadata=None)
    with open_slide(path, mpp=0.5) as slide:
        assert slide.size == (640, 512)
        (note,) = slide.resolution.notes
        assert (
            note.startswith("the first image of the file, of 400 × ") and "640 × 512 px is the slide" in note
        )


def test_a_label_of_the_shape_of_the_slide_is_not_a_level(tmp_path):
    path = tmp_path / "S.tif"
    with tifffile.TiffWriter(path) as file:
        for pixels, text, flag in [(PICTURE, None, 0), (255 - SMALL, "Label image", 1)]:
            file.write(
                pixels, tile=(256, 256), photometric="rgb", description=text, subfiletype=flag, metadata=None
            )
    with open_slide(path, mpp=0.5) as slide:
        assert len(slide.levels) == 1


def test_a_file_of_several_scenes_that_names_its_macro_is_read(tmp_path):
    path = tmp_path / "S.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as file:
        for pixels, name in [(PICTURE, "slide"), (MACRO, "macro image")]:
            file.write(
                pixels,
                tile=(256, 256),
                photometric="rgb",
                metadata={"axes": "YXS", "Name": name, "PhysicalSizeX": 0.5},
            )
    with open_slide(path) as slide:
        assert slide.size == (640, 512) and slide.mpp == 0.5


def test_planes_of_an_ome_tiff_have_levels(tmp_path):
    path = tmp_path / "S.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as file:
        common = {"tile": (128, 128), "photometric": "minisblack"}
        file.write(PLANES, subifds=1, metadata={"axes": "CYX", "PhysicalSizeX": 0.25}, **common)
        file.write(np.ascontiguousarray(np.moveaxis(SMALL, 2, 0)), subfiletype=1, **common)
    with open_slide(path) as slide:
        assert (slide.reader_of(1), slide.levels[1].size) == ("tiff", (160, 128))
        np.testing.assert_array_equal(slide.read(0, 0, 512, 128), SMALL[:128, :128])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("made", ["levels", "real"])
def test_an_incomplete_aperio_slide_is_named_as_such(tmp_path, share, made):
    path = tmp_path / "S.svs"
    if made == "real":
        path.write_bytes((DATA / "CMU-1-Small-Region.svs").read_bytes())
    else:
        write_slide(path, aperio=True, compression="jpeg", power=20)
    with pytest.raises(InputError, match="the Aperio slide is incomplete or damaged: the file ends") as error:
        open_slide(cut_off(path, share), mpp=0.5)
    assert "S.svs" in error.value.where and "new copy" in error.value.fix


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("tile", [0, 256])
def test_planes_that_were_cut_off_are_not_read_as_grey(tmp_path, share, tile):
    path = write_tiff(tmp_path / "S.ome.tif", PLANES, tile=tile, metadata={"axes": "CYX"}, **GREY)
    with pytest.raises(InputError, match="the image is damaged or incomplete: the file ends before"):
        open_slide(cut_off(path, share), mpp=0.5)


def test_a_directory_of_an_absurd_size_is_refused_before_memory_is_asked_for(tmp_path):
    path = write_tiff(tmp_path / "S.tif", DEEP)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags["ImageWidth"].overwrite(2**31)
    with pytest.raises(InputError, match="the directory of the image is damaged"):
        open_slide(path, mpp=0.5)


@pytest.mark.parametrize(
    ("tile", "options", "sizes", "claimed"),
    [
        (0, {"compression": "jpeg"}, b"\xff\xc0", "strip 0 claims 640 × 65,280"),
        (256, {"compression": "jpeg2000"}, b"\xff\x51", "tile 0 claims 256 × 65,280"),
        (0, {"compression": "jpeg2000", "compressionargs": {"codecformat": "jp2"}}, b"\xff\x51", "claims 640 × 65,280"),
    ],
)  # fmt: skip
def test_a_block_that_claims_far_too_many_rows_is_refused_before_it_is_decoded(
    tmp_path, tile, options, sizes, claimed
):
    path = write_tiff(tmp_path / "S.tif", PICTURE, tile=tile, rowsperstrip=256, **options)
    content = bytearray(path.read_bytes())
    at = content.index(sizes) + (5 if sizes == b"\xff\xc0" else 12)
    content[at : at + 2] = b"\xff\0"
    path.write_bytes(content)
    with pytest.raises(InputError, match=claimed):
        open_slide(path, mpp=0.5)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("tile", [0, 256])
@pytest.mark.parametrize(("pages", "to"), [(1, 0), (2, 0), (2, 1), (3, 1)])
def test_directories_that_form_a_ring_are_refused_and_not_followed_for_ever(tmp_path, pages, to, tile, big):
    path = write_tiff(tmp_path / "S.tif", *[PICTURE, SMALL, SMALL][:pages], tile=tile, big=big)
    with pytest.raises(InputError, match="the directory of its images leads back to itself") as error:
        open_slide(make_ring(path, to), mpp=0.5)
    assert "new copy" in error.value.fix


def test_a_level_below_a_page_that_is_listed_twice_is_refused(tmp_path):
    path = tmp_path / "S.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(PICTURE, tile=(256, 256), photometric="rgb", metadata=None, subifds=2)
        for small in (PICTURE[::2, ::2], PICTURE[::4, ::4]):
            file.write(np.ascontiguousarray(small), tile=(256, 256), photometric="rgb", metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as file:
        tag = file.pages[0].tags["SubIFDs"]
        tag.overwrite([tag.value[0]] * 2)
    with pytest.raises(InputError, match="leads back to itself"):
        read_tiff(path)


def test_large_strips_without_compression_are_read_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("sequoia_model.slide.sources._blocks._PART", 10_000)
    for pixels, planar in [(PICTURE, "contig"), (PLANES, "separate"), (DEEP * 257, "contig")]:
        for order in "<>":
            path = tmp_path / "S.tif"
            tifffile.imwrite(path, pixels, photometric="rgb", planarconfig=planar, byteorder=order)
            with open_slide(path, mpp=0.5) as slide:
                np.testing.assert_array_equal(pixels_of(slide), PICTURE[:512, :512])
