"""A bar that shows how far a training run is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .training import Training


@contextmanager
def progress(steps: int | None, seconds: float | None) -> Iterator[Callable[[Training], None]]:
    """Inside, a bar on stderr; call what it gives after each step."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    total, unit = (steps, "step") if steps is not None else (seconds, "s")
    form = "{l_bar}{bar}| {n:.0f}/{total:.0f} {unit}{postfix}"
    with tqdm(total=total, unit=unit, bar_format=form) as bar:

        def watch(training: Training) -> None:
            now = training.step if steps is not None else training.seconds
            done = "" if steps is not None else f"step {training.step:,}, "
            # Before the update, which draws: so that the last loss is that of the last step.
            bar.set_postfix_str(f"{done}loss {training.loss:.3f}", refresh=False)
            bar.update(min(now, bar.total) - bar.n)

        yield watch
