"""The two challenges and the three stages: names, shapes, classes, numbers."""

from dataclasses import dataclass

PIXEL = 0.3  # cm, spacing of wires


@dataclass(frozen=True)
class Layout:
    """What distinguishes ``lartpc`` and ``lartpc-3d``.

    Attributes
    ----------
    name, title, what
        Slug, title, and what is labelled.
    shape
        Pixels of an event along each axis: drift time and wire; or drift, height, wire.
    threshold
        In units of the noise: lower in images, whose 65,536 pixels would otherwise be quiet; a
        volume has 7 million, which must not be lit by noise.
    energy
        What kinetic energies are multiplied by: a volume shows each voxel once, so it holds more.

    """

    name: str
    title: str
    what: str
    shape: tuple[int, ...]
    threshold: float
    energy: float

    @property
    def size(self) -> float:
        """Edge of the volume in cm."""
        return self.shape[-1] * PIXEL

    @property
    def pixels(self) -> int:
        """Number of pixels of an event."""
        count = 1
        for edge in self.shape:
            count *= edge
        return count


IMAGES = Layout("lartpc", "LArTPC: label every pixel", "pixel", (256, 256), 3.5, 1.0)
VOXELS = Layout("lartpc-3d", "LArTPC 3-D: label every voxel", "voxel", (192, 192, 192), 5.0, 2.6)

CLASSES = {
    1: ("nothing", "electron", "other"),
    2: ("nothing", "electron", "other", "proton"),
    3: ("nothing", "electron", "other", "proton"),
}
STAGES = tuple(CLASSES)


@dataclass(frozen=True)
class Part:
    """Events of one use, and how hard they are.

    Attributes
    ----------
    name
        ``train``, or what the phase and its final do with the events: ``public``, ``private``,
        ``final-public``, ``final-private``.
    share
        Of the events of a stage.
    hard
        Whether the events are those of a final: more particles, more of them from one point.

    """

    name: str
    share: float
    hard: bool


PARTS = (
    Part("train", 0.40, hard=False),
    Part("public", 0.15, hard=False),
    Part("private", 0.10, hard=False),
    Part("final-public", 0.05, hard=True),
    Part("final-private", 0.30, hard=True),
)
