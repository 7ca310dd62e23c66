"""The next slide is opened while one is embedded: no sooner, no more than one, and let go if the run ends."""

from __future__ import annotations

import threading

import pytest

from sequoia_base.runs import RunFolder
from sequoia_model.embedding import _turns, embed_folder
from sequoia_model.errors import InputError
from tests.build.runs import TinyEncoder, state_of, write_slides


@pytest.fixture
def slides(tmp_path):
    return write_slides(tmp_path / "slides", 4)


class Opened:
    """The slides that were opened, and whether they were closed."""

    def __init__(self, monkeypatch):
        self.names, self.slides, self.changed = [], [], threading.Condition()
        open_slide = _turns.find_places

        def find_places(work, path):
            with self.changed:
                self.names.append(path.stem)
                self.changed.notify_all()
            found = open_slide(work, path)
            self.slides.append(found.slide)
            return found

        monkeypatch.setattr(_turns, "find_places", find_places)

    def wait_for(self, name):
        with self.changed:
            assert self.changed.wait_for(lambda: name in self.names, timeout=10)


@pytest.fixture
def opened(monkeypatch):
    return Opened(monkeypatch)


class Watched(TinyEncoder):
    """Calls a function before each batch, with the number of tiles embedded so far."""

    def __init__(self, before):
        super().__init__()
        self.before = before

    def __call__(self, pixels):
        self.before(sum(shape[0] for shape in self.batches))
        return super().__call__(pixels)


def embed(slides, encoder=None, name="out"):
    return embed_folder(slides, slides.parent / name, encoder=encoder or TinyEncoder())


def test_the_next_slide_is_opened_while_one_is_embedded_and_no_other(slides, opened):
    seen = []

    def look(tiles):
        opened.wait_for(f"S{min(tiles // 12 + 1, 3):02}")
        seen.append(len(opened.names))

    assert embed(slides, Watched(look)).counts["done"] == 4
    assert seen == [2] * 3 + [3] * 3 + [4] * 6
    assert opened.names == ["S00", "S01", "S02", "S03"]


def test_only_the_slide_in_work_and_the_next_are_kept_from_others(slides):
    free = set()

    def claim_all(tiles):
        other = RunFolder(slides.parent / "out")
        for name in ("S00", "S01", "S02", "S03") if not tiles else ():
            if claim := other.claim(name):
                claim.release()
                free.add(name)

    embed(slides, Watched(claim_all))
    assert free == {"S02", "S03"}


def test_the_next_slide_is_let_go_as_it_was_if_the_run_ends(slides, opened):
    def interrupt(_):
        opened.wait_for("S01")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed(slides, Watched(interrupt))
    assert (state_of(slides.parent / "out")["note"], state_of(slides.parent / "out", "S01")) == (
        "interrupted", {},
    )  # fmt: skip
    with RunFolder(slides.parent / "out").claim("S01") as claim:
        assert claim is not None
    for each in threading.enumerate():
        if each.name == "beside":
            each.join(timeout=10)
    assert len(opened.slides) == 2
    for slide in opened.slides:
        with pytest.raises(InputError, match="closed"):
            slide.read(0, 0, 256)


def test_a_next_slide_that_cannot_be_opened_fails_in_its_turn(slides):
    (slides / "S01.tif").write_bytes(b"no slide")
    done = embed(slides)
    assert [slide.state for slide in done.slides] == ["done", "failed", "done", "done"]
    assert state_of(slides.parent / "out", "S01")["attempts"] == 1


def test_slides_opened_ahead_give_the_bytes_of_slides_alone(slides):
    embed(slides)
    for i in range(4):
        embed_folder(slides / f"S{i:02}.tif", slides.parent / "alone", encoder=TinyEncoder())
    for i in range(4):
        one, other = (slides.parent / name / f"S{i:02}.h5" for name in ("out", "alone"))
        assert one.read_bytes() == other.read_bytes()
