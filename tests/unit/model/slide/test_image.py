"""Plain images: any kind of pixels becomes RGB over white."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from sequoia_model.errors import InputError
from sequoia_model.slide import open_slide
from tests.build.slides import make_picture, write_image

PICTURE = make_picture((160, 128), ((20, 20, 120, 100),))  # 320 × 256 px


def first_square(path) -> np.ndarray:
    with open_slide(path, mpp=0.5) as slide:
        return slide.read(0, 0, 256)


@pytest.mark.parametrize("name", ["S.png", "S.tif", "S.tiff"])
def test_a_lossless_image_gives_its_pixels(tmp_path, name):
    path = write_image(tmp_path / name, PICTURE)
    np.testing.assert_array_equal(first_square(path), PICTURE[:, :256])


def test_a_jpeg_gives_the_pixels_that_pillow_decodes(tmp_path):
    path = write_image(tmp_path / "S.jpg", PICTURE)
    np.testing.assert_array_equal(first_square(path), np.asarray(Image.open(path))[:, :256])
    with open_slide(path, mpp=0.5) as slide:
        assert (slide.name, slide.format, slide.reader, slide.power) == ("S", "jpeg", "image", None)


@pytest.mark.parametrize("name", ["S.png", "S.jpg", "S.tif"])
@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_images_become_rgb(tmp_path, name, mode):
    grey = Image.fromarray(PICTURE).convert(mode)
    grey.convert("L" if name == "S.jpg" else mode).save(tmp_path / name, quality=100)
    with open_slide(tmp_path / name, mpp=0.5) as slide:
        assert slide.resolution.notes == ("the image is grey: it has no colours of a stain",)
    got, wanted = first_square(tmp_path / name), np.asarray(grey.convert("L"))[:, :256, None]
    assert np.abs(got.astype(int) - wanted).max() <= (4 if name == "S.jpg" else 0)


def test_a_palette_gives_its_colours(tmp_path):
    palette = Image.fromarray(PICTURE).quantize(16)
    palette.save(tmp_path / "S.png")
    np.testing.assert_array_equal(
        first_square(tmp_path / "S.png"), np.asarray(palette.convert("RGB"))[:, :256]
    )


@pytest.mark.parametrize("name", ["S.png", "S.tif"])
def test_16_bits_of_grey_keep_their_upper_half(tmp_path, name):
    grey = PICTURE[..., 0].astype(np.uint16) * 256 + 200
    Image.fromarray(grey).save(tmp_path / name)
    np.testing.assert_array_equal(first_square(tmp_path / name), np.repeat(PICTURE[:, :256, :1], 3, axis=2))


@pytest.mark.parametrize("planes", [False, True])
def test_16_bits_of_colour_keep_their_upper_half(tmp_path, planes):
    deep = PICTURE.astype(np.uint16) * 256 + 200
    options = {"photometric": "rgb", "planarconfig": "separate" if planes else "contig"}
    tifffile.imwrite(tmp_path / "S.tif", np.moveaxis(deep, 2, 0) if planes else deep, **options)
    np.testing.assert_array_equal(first_square(tmp_path / "S.tif"), PICTURE[:, :256])


def test_cmyk_becomes_rgb(tmp_path):
    inks = Image.fromarray(PICTURE).convert("CMYK")
    inks.save(tmp_path / "S.tif")
    np.testing.assert_array_equal(first_square(tmp_path / "S.tif"), np.asarray(inks.convert("RGB"))[:, :256])


@pytest.mark.parametrize("name", ["S.png", "S.tif"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_white(tmp_path, name, mode):
    image = Image.fromarray(PICTURE).convert(mode)
    image.putalpha(
        Image.fromarray(np.where(np.arange(320) < 128, 0, 255).astype(np.uint8)[None].repeat(256, 0))
    )
    image.save(tmp_path / name)
    got = first_square(tmp_path / name)
    assert (got[:, :128] == 255).all()
    np.testing.assert_array_equal(got[:, 128:], np.asarray(image.convert("RGB"))[:, 128:256])


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("alpha", [0, 1, 200])
def test_a_transparency_that_is_the_same_everywhere_is_ignored(tmp_path, mode, alpha):
    image = Image.fromarray(PICTURE).convert(mode)
    image.putalpha(alpha)
    image.save(tmp_path / "S.png")
    with open_slide(tmp_path / "S.png", mpp=0.5) as slide:
        np.testing.assert_array_equal(
            slide.read(0, 0, 256), np.asarray(image.convert(mode[:-1]).convert("RGB"))[:, :256]
        )
        assert f"at most {alpha} of 255" in " ".join(slide.resolution.notes)


def test_a_png_with_transparency_that_hides_nearly_all_is_refused(tmp_path):
    Image.fromarray(np.dstack([PICTURE, PICTURE[..., 1] // 4])).save(tmp_path / "S.png")
    with pytest.raises(InputError, match="hide or fade nearly all of the slide"):
        open_slide(tmp_path / "S.png", mpp=0.5)


@pytest.mark.parametrize("n", [3, 4])
def test_a_png_of_16_bits_that_holds_12_is_scaled(tmp_path, n):
    pixels = np.dstack([PICTURE.astype(np.uint16) * 16, np.full(PICTURE.shape[:2], 65_535, np.uint16)])
    (tmp_path / "S.png").write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels[..., :n])))
    np.testing.assert_array_equal(first_square(tmp_path / "S.png"), PICTURE[:, :256])


def test_a_transparent_colour_of_a_palette_is_white(tmp_path):
    palette = Image.fromarray(PICTURE).quantize(8)
    palette.save(tmp_path / "S.png", transparency=palette.getpixel((100, 100)))
    assert (first_square(tmp_path / "S.png")[100, 100] == 255).all()


@pytest.mark.parametrize("name", ["S.jpg", "S.png"])
def test_an_exif_orientation_turns_the_image_with_a_note(tmp_path, name):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PICTURE).save(tmp_path / name, exif=exif, quality=100)
    with open_slide(tmp_path / name, mpp=0.5) as slide:
        assert slide.size == (256, 320)
        assert "EXIF orientation" in slide.resolution.notes[0]
        upright = np.rot90(PICTURE, -1)
        assert np.abs(slide.read(0, 0, 256).astype(int) - upright[:256]).mean() < 6


def test_the_density_of_a_jpeg_is_not_a_scale(tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "S.jpg", dpi=(50_800, 50_800))
    with pytest.raises(InputError, match=r"density of 50800 dpi \(0.5 µm/px\) is that of a print"):
        open_slide(tmp_path / "S.jpg")


def test_an_image_without_a_scale_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = write_image(tmp_path / "S.png", PICTURE)
    monkeypatch.setattr("sequoia_model.slide.sources._image.ImageSource", None)
    with pytest.raises(InputError, match="the file does not state its µm per pixel"):
        open_slide(path)


def test_an_image_beyond_pillows_limit_opens(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    path = write_image(tmp_path / "S.png", PICTURE)
    np.testing.assert_array_equal(first_square(path), PICTURE[:, :256])


@pytest.mark.parametrize("name", ["S.png", "S.jpg", "S.tif"])
def test_an_absurd_size_is_refused_before_it_is_decoded(tmp_path, monkeypatch, name):
    path = write_image(tmp_path / name, PICTURE)
    monkeypatch.setattr("sequoia_model.slide.sources._image._MOST_PIXELS", 320 * 256 - 1)
    with pytest.raises(InputError, match="320 × 256 px, but a plain image may have at most") as error:
        open_slide(path, mpp=0.5)
    assert name in error.value.where and "pyramid" in error.value.fix


@pytest.mark.parametrize("name", ["S.png", "S.jpg", "S.tif"])
def test_an_image_that_was_cut_off_is_refused(tmp_path, name):
    path = write_image(tmp_path / name, PICTURE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="the image is damaged") as error:
        open_slide(path, mpp=0.5)
    assert name in error.value.where


def test_floating_point_pixels_are_refused(tmp_path):
    Image.fromarray(np.zeros((8, 8), np.float32)).save(tmp_path / "S.tif")
    with pytest.raises(InputError, match="floating-point"):
        open_slide(tmp_path / "S.tif", mpp=0.5)


def test_of_several_pictures_the_first_is_read_with_a_note(tmp_path):
    first, second = Image.fromarray(PICTURE), Image.fromarray(PICTURE[:128])
    first.save(tmp_path / "S.tif", save_all=True, append_images=[second])
    with open_slide(tmp_path / "S.tif", mpp=0.5) as slide:
        assert slide.size == (320, 256) and "contains 2 images" in slide.resolution.notes[0]


def test_what_is_read_may_be_written_to_without_changing_the_slide(tmp_path):
    with open_slide(write_image(tmp_path / "S.png", PICTURE), mpp=0.5) as slide:
        slide.read(0, 0, 256)[:] = 0
        np.testing.assert_array_equal(slide.read(0, 0, 256), PICTURE[:, :256])
