"""The networks: their parts, their agreement with published outputs, their sizes and speed. Needs torch."""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from _shared import HERE, save_drawing, save_json, save_table, say
from safetensors.torch import load_file
from torch import nn

from sequoia_model.clusters import N_CLUSTERS, cluster_means
from sequoia_model.nets import SummaryTransformer, TileMLP, TileTransformer
from sequoia_stats import plots

GOLDEN = HERE.parent / "tests" / "data" / "golden"
#: UNI's features and the published genes. The first has its published sizes, the others have comparable ones.
FEATURES, GENES = 1024, 20_820
FULL: dict[str, Callable[[], nn.Module]] = {
    "Linearized transformer": lambda: SummaryTransformer(input_dim=FEATURES, num_outputs=GENES),
    "Transformer": lambda: TileTransformer(
        num_outputs=GENES, dim=FEATURES, depth=6, heads=16, mlp_dim=FEATURES, dim_head=64
    ),
    "Tile MLP": lambda: TileMLP(input_dim=FEATURES, num_outputs=GENES, layers=(1024, 1024)),
}
#: Toys in the published layout, with their published outputs.
TOYS: dict[str, tuple[str, str, Callable[[], nn.Module]]] = {
    "Linearized transformer": (
        "sequoia-toy-0/model.safetensors",
        "y_vis",
        lambda: SummaryTransformer(
            input_dim=32, num_outputs=40, depth=2, nheads=4, dimensions_f=8, dimensions_s=8, dimensions_c=8
        ),
    ),
    "Transformer": (
        "vit_toy.safetensors",
        "y_vit",
        lambda: TileTransformer(num_outputs=40, dim=32, depth=2, heads=4, mlp_dim=64, dim_head=8),
    ),
    "Tile MLP": (
        "he2rna_toy.safetensors",
        "y_he2rna",
        lambda: TileMLP(input_dim=32, num_outputs=40, layers=(16, 16), ks=(1, 2, 5, 10, 20, 50, 100)),
    ),
}


def main() -> None:
    """Write ``networks_*.csv``, ``networks.json`` and the drawing of the parts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder of the outputs")
    parser.add_argument("--repeats", type=int, default=5, help="number of runs, whose median time is kept")
    options = parser.parse_args()
    results: Path = options.results

    tree = pd.concat([parts(title, make()) for title, make in FULL.items()], ignore_index=True)
    save_table(tree, results / "networks_parts.csv")
    save_drawing(plots.network_parts(tree), caption(tree), results, "networks")
    save_table(agreement(), results / "networks_golden.csv")
    save_table(speed(options.repeats), results / "networks_speed.csv")
    save_json(machine(), results / "networks.json")


def parts(title: str, network: nn.Module) -> pd.DataFrame:
    """The module tree of a network, equal siblings as one row, with the shapes for one slide."""
    shapes: dict[nn.Module, str] = {}
    hooks = [
        module.register_forward_hook(lambda module, _, output: shapes.update({module: _shape(output)}))
        for module in network.modules()
    ]
    with torch.inference_mode():
        network.eval()(torch.zeros(1, N_CLUSTERS, FEATURES))
    for hook in hooks:
        hook.remove()
    rows: list[dict[str, object]] = []
    _walk(network, title, 0, type(network).__name__, 1, shapes, rows)
    return pd.DataFrame(rows).assign(network=title)[
        ["network", "depth", "name", "module", "repeats", "parameters", "output"]
    ]


def _walk(
    module: nn.Module, network: str, depth: int, name: str, repeats: int, shapes: dict, rows: list
) -> None:
    """The row of this module, then those of its children; equal children share a row."""
    count = sum(parameter.numel() for parameter in module.parameters()) * repeats
    kind = type(module).__name__
    rows.append(
        {
            "depth": depth, "name": name, "module": kind, "repeats": repeats, "parameters": count,
            "output": shapes.get(module, ""),
        }
    )  # fmt: skip
    children = _distinct(module)
    if children:  # what else it contains: learned positions
        rows.extend(
            {
                "depth": depth + 1, "name": label, "module": "Parameter", "repeats": 1,
                "parameters": parameter.numel(), "output": " × ".join(map(str, parameter.shape)),
            }
            for label, parameter in module.named_parameters(recurse=False)
        )  # fmt: skip
    if len(children) == 1 and type(children[0][1]) is nn.Sequential:  # a frame around its own parts
        children = _distinct(children[0][1])
    for label, child, alike in children:
        while type(child) in (nn.ModuleDict, nn.ModuleList) and len(inner := _distinct(child)) == 1:
            ((inner_label, child, more),) = inner
            label, alike = (label if inner_label.isdigit() else inner_label), alike * more
        shown = type(child).__name__ if label.isdigit() else label.replace("_", " ")
        _walk(child, network, depth + 1, shown, alike, shapes, rows)


def _distinct(module: nn.Module) -> list[tuple[str, nn.Module, int]]:
    """The children; equal neighbours are listed once, with their number."""
    found: list[tuple[str, nn.Module, int]] = []
    for label, child in module.named_children():
        same = (
            found and label.isdigit() and not _is_bare(child) and _likeness(found[-1][1]) == _likeness(child)
        )
        if same:
            first, kept, alike = found.pop()
            found.append((first, kept, alike + 1))
        else:
            found.append((label, child, 1))
    return found


def _is_bare(module: nn.Module) -> bool:
    return next(module.parameters(), None) is None


def _likeness(module: nn.Module) -> tuple:
    return type(module), tuple((name, tuple(p.shape)) for name, p in module.named_parameters())


def _shape(output: object) -> str:
    return " × ".join(map(str, output.shape[1:])) if isinstance(output, torch.Tensor) else ""


def agreement() -> pd.DataFrame:
    """The largest difference between our outputs and the published ones, network by network."""
    golden = load_file(GOLDEN / "io.safetensors")
    rows = []
    for title, (file, key, make) in TOYS.items():
        network = make()
        network.load_published(load_file(GOLDEN / file))
        with torch.inference_mode():
            found = network.eval()(golden["x"])
        want = golden[key]
        rows.append(
            {
                "network": title, "file": file, "slides": len(want), "outputs": want.shape[1],
                "largest_output": float(want.abs().max()),
                "largest_difference": float((found - want).abs().max()),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def speed(repeats: int) -> pd.DataFrame:
    """Seconds per slide on this machine with random weights: the time does not depend on their values."""
    generator = torch.Generator().manual_seed(0)
    rows = []
    for title, make in FULL.items():
        network, batch = make().eval(), torch.randn(16, N_CLUSTERS, FEATURES, generator=generator)
        with torch.inference_mode():
            seconds = _median(lambda network=network, batch=batch: network(batch), repeats) / len(batch)
        rows.append({"step": f"{title}: one network", "of": "a batch of 16 slides", "seconds": seconds})
        say(f"  {title}: {seconds:.3f} s per slide")
    tiles = np.random.default_rng(0).standard_normal((4000, FEATURES), dtype=np.float32)
    seconds = _median(lambda: cluster_means(tiles), max(1, repeats // 2))
    rows.append(
        {"step": "100 cluster means", "of": "4,000 tiles × 1,024 features, pure noise", "seconds": seconds}
    )
    return pd.DataFrame(rows)


def _median(work: Callable[[], object], repeats: int) -> float:
    work()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def machine() -> dict[str, object]:
    """The machine on which the times were measured."""
    return {"processor": platform.machine(), "threads": torch.get_num_threads(), "torch": version("torch")}


def caption(tree: pd.DataFrame) -> list[str]:
    """Caption of the drawing; its numbers are those of the tree."""
    totals = tree[tree["depth"] == 0].set_index("network")["parameters"]
    counts = ", ".join(f"{title} {count:,}" for title, count in totals.items())
    return [
        "The parts of the networks, read from the module trees that the code builds. Data flow from top to bottom.",
        f"All networks take {N_CLUSTERS} cluster means of {FEATURES:,} features and predict {GENES:,} genes; the "
        "linearized transformer has its published sizes.",
        "Grey: the shape of one slide's output. Right: parameters; a blue frame marks several equal parts in a row.",
        f"Total number of parameters: {counts}.",
    ]


if __name__ == "__main__":
    main()
