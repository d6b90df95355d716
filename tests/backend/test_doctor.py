"""What the doctor says of the sandbox: each layer that a child measured, and what is missing."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from fivesigma_backend import doctor
from fivesigma_backend.core.platform import make_sandbox
from fivesigma_backend.core.settings import load_settings


def seen(folder: Path) -> doctor.Finding:
    found = doctor.examine(load_settings({}, data_dir=folder))
    return next(finding for finding in found if finding.name == "sandbox")


def test_every_layer_is_shown_as_a_child_measures_it(tmp_path: Path) -> None:
    with make_sandbox(tmp_path) as sandbox:
        layers = sandbox.layers()
    shown = seen(tmp_path).detail
    for name, active in layers.items():
        word = active if isinstance(active, str) else {True: "on", False: "off"}[active]
        assert f"{name}: {word}" in shown
    assert {"landlock", "network namespace", "resource limits", "system call filter"} <= set(layers)


def test_the_platforms_own_sandbox_forks_without_a_thread_that_has_worked(tmp_path: Path) -> None:
    # Polars' cleaner of spilled files only waits; see the sandbox's own tests.
    with make_sandbox(tmp_path) as sandbox:
        assert sandbox.layers()["threads at fork"] in {"none", "polars-ooc-clea"}


def test_a_layer_that_is_not_granted_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Bare:
        """A sandbox in a container that grants little."""

        def __enter__(self) -> Self:
            return self

        def __exit__(
            self,
            kind: type[BaseException] | None,
            error: BaseException | None,
            trace: TracebackType | None,
        ) -> None:
            pass

        def layers(self) -> dict[str, bool | str]:
            return {"landlock": False, "resource limits": True, "network namespace": False}

    monkeypatch.setattr(doctor, "make_sandbox", Bare)
    found = seen(tmp_path)
    assert found.state == doctor.WARNING
    assert "landlock: off, resource limits: on" in found.detail
    assert found.detail.endswith("does not grant: landlock, network namespace")
