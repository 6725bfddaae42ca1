"""The demo plant's vision model, and how it was made: `python -m copilot.demo.bottle_eye`.

It is trained on rendered bottles of a seed that no demo plant has, by the same code as
`copilot station train`. Same code and libraries, same file.
"""

import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from copilot.demo.cameras import DEFECTS, LOOKS, Scene, render, scene
from copilot_tools.vision.model import VisionModel

NAME = "bottle-eye"
MODEL = Path(__file__).with_name(f"{NAME}.onnx")
MANIFEST = MODEL.with_suffix(".json")
SEED = -1
EACH, GOOD = 120, 260
"""Pictures of each product, with each defect and good."""


@lru_cache(maxsize=1)
def bottle_eye() -> VisionModel:
    """The model that comes with the demo plant."""
    return VisionModel(MODEL.read_bytes(), NAME)


def labelled_scenes(each: int, good: int, first: int) -> Iterator[tuple[str, str, Scene]]:
    """Product, defect and arrangement of pictures, from number `first` on: so many of each."""
    for place, (product, defect) in enumerate((p, d) for p in LOOKS for d in ("", *DEFECTS)):
        for number in range(first, first + (each if defect else good)):
            yield product, defect, scene(SEED, number + 1_000_000 * place, product, defect)


def draw_pictures(folder: Path, each: int = EACH, good: int = GOOD, first: int = 0) -> None:
    """Render labelled bottles into a folder a class, of scenes from number `first` on."""
    for number, (product, defect, shown) in enumerate(labelled_scenes(each, good, first)):
        own = folder / (defect or "good")
        own.mkdir(parents=True, exist_ok=True)
        file = own / f"{product.replace(' ', '-')}-{number:05d}.png"
        render(shown).save(file, compress_level=1)


def make_model(each: int = EACH, good: int = GOOD) -> None:
    """Train the model anew and write it beside this module."""
    from copilot.demo.progress import shown_progress
    from copilot_tools.vision.folder import find_labelled
    from copilot_tools.vision.training import train

    with TemporaryDirectory() as folder, shown_progress() as step:
        step("Rendering bottles", 0.0)
        draw_pictures(Path(folder), each, good)
        step("Rendering bottles", 1.0)
        trained = train(find_labelled(Path(folder)), NAME, progress=step)
    MODEL.write_bytes(trained.content)
    MANIFEST.write_text(trained.card.model_dump_json(indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make_model()
    print(bottle_eye().card.held_out.model_dump_json(indent=2))
    sys.exit(0)
