"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

RuleOption = Annotated[str, typer.Option("--rule", help="paper, published-code or strict.")]
MethodOption = Annotated[
    str | None,
    typer.Option("--method", help="steiger, williams, dunn-clark, hotelling or meng.  [default: the rule's]"),
]
UnitsOption = Annotated[
    str | None, typer.Option("--units", help="patients, slides or cluster-bootstrap.  [default: the rule's]")
]
