"""Changes to the content of a file, as a disk, a broken transfer or an editor makes them."""

from __future__ import annotations

import random
import re
import struct

#: Sizes and counts at which readers fail.
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_BLOCKS = (1, 2, 4, 8, 16, 64, 256, 4096)
_TOKENS = (
    "", " ", "nan", "NaN", "NA", "-1", "0", "1e999", "-inf", "1_000", "1,5", "9" * 400, "0x10", "true", "null", "'",
    '"', '""', "\t", ",", ";", "\x00", "ü", "\ufeff", "{", "}", "[" * 2000, "]", "(", "\\", "\n", "\r", "#",
    "=1+1", "Sep-2",
)  # fmt: skip
#: How a TIFF with offsets of 32 bits begins, and the order of its bytes.
_TIFFS = {b"II*\0": "<", b"MM\0*": ">"}
_TOKEN = re.compile(r"[^\s,;:{}\[\]\"']+|[,;:{}\[\]\"'\t]")


def mutated(content: bytes, draw: random.Random, *, text: bool) -> bytes:
    """The content after one to four random changes.

    Parameters
    ----------
    content : bytes
        A whole file.
    draw : Random
        Where the changes come from.
    text : bool
        Whether words and lines are changed rather than bytes, mostly.
    """
    for _ in range(draw.choice((1, 1, 2, 4))):
        as_text = text and draw.random() < 0.75
        content = _changed_text(content, draw) if as_text else _changed_bytes(content, draw)
    return content


def _changed_bytes(content: bytes, draw: random.Random) -> bytes:
    n = len(content)
    if not n:
        return draw.randbytes(8)
    if content[:4] in _TIFFS and draw.random() < 0.15:
        return _linked_again(content, draw)
    ends = (min(n, 512), n) if draw.random() < 0.4 else (n, n)  # headers matter most
    at = draw.randrange(ends[0])
    size = min(draw.choice(_BLOCKS), n - at)
    block = content[at : at + size]
    match draw.randrange(9):
        case 0:
            return content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :]
        case 1:
            return content[:at] + draw.randbytes(size) + content[at + size :]
        case 2:
            return content[:at] + bytes(size) + content[at + size :]
        case 3:
            return content[:at] + b"\xff" * size + content[at + size :]
        case 4:
            return content[:at] + block + content[at:]
        case 5:
            return content[:at] + content[at + size :]
        case 6:
            return content[: draw.randrange(n)]
        case 7:
            number = draw.choice(_NUMBERS).to_bytes(8, draw.choice(("little", "big")))
            some = number[: draw.choice((2, 4, 8))]
            return content[:at] + some + content[at + len(some) :]
        case _:
            to = draw.randrange(n)
            return content[:to] + block + content[to + size :]


def _linked_again(content: bytes, draw: random.Random) -> bytes:
    """A TIFF where a link from one directory to the next leads to one that is there already."""
    order = _TIFFS[content[:4]]
    links, found = [4], []
    try:
        while (at := struct.unpack_from(f"{order}I", content, links[-1])[0]) and at not in found:
            found.append(at)
            links.append(at + 2 + 12 * struct.unpack_from(f"{order}H", content, at)[0])
    except struct.error:  # damaged before
        links.pop()
    if not found or not links:
        return content
    link = draw.choice(links)
    return content[:link] + struct.pack(f"{order}I", draw.choice(found)) + content[link + 4 :]


def _changed_text(content: bytes, draw: random.Random) -> bytes:
    words = content.decode("utf-8", "surrogateescape")
    lines = words.splitlines(keepends=True) or [""]
    i = draw.randrange(len(lines))
    match draw.randrange(8):
        case 0:
            del lines[i]
        case 1:
            lines.insert(i, lines[draw.randrange(len(lines))])
        case 2:
            lines[i] = lines[i].rstrip("\n") + lines[i]
        case 3:
            lines.insert(i, draw.choice(_TOKENS) + "\n")
        case 4:
            lines[i] = lines[i][: draw.randrange(len(lines[i]) + 1)]
        case 5:
            lines = [line.replace("\n", "\r\n") for line in lines]
        case _:
            found = list(_TOKEN.finditer(lines[i]))
            if found:
                token = draw.choice(found)
                other = draw.choice(found).group() if draw.random() < 0.3 else draw.choice(_TOKENS)
                lines[i] = lines[i][: token.start()] + other + lines[i][token.end() :]
    return "".join(lines).encode("utf-8", "surrogateescape")
