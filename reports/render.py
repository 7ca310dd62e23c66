"""Render the report: with quarto if it is on the PATH, otherwise with jupytext, nbclient and nbconvert.

The pages appear together and whole, or not at all: if a result is missing, nothing is written.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from html import escape
from pathlib import Path
from typing import Any

import yaml

from sequoia_base.atomic import new_folder

HERE = Path(__file__).parent
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
{navigation}
<main>
<h1>{title}</h1>
<p class="subtitle">{subtitle}</p>
{body}
</main>
</body>
</html>
"""


class RenderError(Exception):
    """A page could not be made."""


def main() -> int:
    """The command line; exit code 2 if a page could not be made."""
    results = HERE.parent / "analyses" / "results"
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--results", type=Path, default=results, help="folder with the results that the pages show"
    )
    parser.add_argument("--output", type=Path, help="folder of the pages; default: report/ in --results")
    parser.add_argument("--profile", help="quarto's profile: `model` adds the pages of slides and networks")
    options = parser.parse_args()
    if options.profile:
        os.environ["QUARTO_PROFILE"] = options.profile
    output = options.output or options.results / "report"
    os.environ["SEQUOIA_RESULTS"] = str(options.results.resolve())
    try:
        if not options.results.is_dir():
            raise RenderError(f"there are no results in {options.results}; `make figures` makes them")
        output.parent.mkdir(parents=True, exist_ok=True)
        with new_folder(output) as temporary:
            (render_with_quarto if shutil.which("quarto") else render_here)(temporary)
    except RenderError as error:
        print(f"no report: {error}", file=sys.stderr)
        return 2
    return 0


def project() -> list[dict[str, Any]]:
    """The project file, followed by that of the profile if one is chosen (quarto reads the same variable)."""
    profile = os.environ.get("QUARTO_PROFILE")
    files = ["_quarto.yml", *([f"_quarto-{profile}.yml"] if profile else [])]
    return [yaml.safe_load((HERE / file).read_text(encoding="utf-8")) for file in files]


def pages() -> list[str]:
    """Names of the pages, in the order of the project file; a profile adds its own at the end."""
    return [Path(file).stem for part in project() for file in part["project"]["render"]]


def render_with_quarto(output: Path) -> None:
    """Render with quarto and this Python."""
    environment = {**os.environ, "QUARTO_PYTHON": sys.executable}
    command = ["quarto", "render", str(HERE), "--output-dir", str(output.resolve())]
    if subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode:
        raise RenderError("quarto stopped; its message is above")
    absent = [name for name in pages() if not (output / f"{name}.html").is_file()]
    if absent:
        raise RenderError(f"quarto did not write the page {', '.join(absent)}")


def render_here(output: Path) -> None:
    """Execute the same files, and write a self-contained HTML page for each."""
    for name in pages():
        print(f"executing {name}.qmd", file=sys.stderr, flush=True)
        header = _header(name)
        page = _PAGE.format(
            title=escape(header["title"]),
            subtitle=escape(header.get("subtitle", "")),
            style=(HERE / "style.css").read_text(encoding="utf-8").strip(),
            navigation=_navigation(name),
            body=_body(name),
        )
        (output / f"{name}.html").write_text(page, encoding="utf-8")


def _header(name: str) -> dict[str, Any]:
    content = (HERE / f"{name}.qmd").read_text(encoding="utf-8")
    match = re.match(r"---\n(.*?)\n---\n", content, flags=re.DOTALL)
    return yaml.safe_load(match[1]) if match else {"title": name}


def _navigation(current: str) -> str:
    links = (
        (HERE / project()[-1]["format"]["html"]["include-before-body"]).read_text(encoding="utf-8").strip()
    )
    here = f'href="{current}.html"'
    return links.replace(here, f'{here} aria-current="page"')


def _body(name: str) -> str:
    import jupytext
    import nbclient
    from jupyter_client.manager import AsyncKernelManager
    from nbclient.exceptions import CellExecutionError
    from nbconvert import HTMLExporter

    notebook = jupytext.reads((HERE / f"{name}.qmd").read_text(encoding="utf-8"), fmt="Rmd")
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type != "raw"]  # the YAML header
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=_this_python())
    client = nbclient.NotebookClient(
        notebook, km=manager, timeout=300, resources={"metadata": {"path": str(HERE)}}
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise RenderError(f"{name}.qmd stopped: {error.ename}: {error.evalue}") from None
    exporter = HTMLExporter(
        template_name="basic", exclude_input=True, exclude_output_prompt=True, exclude_anchor_links=True
    )
    body, _ = exporter.from_notebook_node(notebook)
    return body


def _this_python() -> Any:
    """Kernels to choose from: only the Python that runs this file, whatever the user has installed."""
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    class ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            specification = get_kernel_dict()
            specification["argv"].append("--log-level=ERROR")  # it warns about its own local sockets
            return KernelSpec(**specification)

    return ThisPython()


if __name__ == "__main__":
    sys.exit(main())
