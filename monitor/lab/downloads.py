"""What people take away from the lab: arrays and a GeoTIFF, each saying which model made it."""

import io
import re
import warnings

import numpy as np
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from monitor.lab.answering import Answer
from monitor.lab.image import Image

ARRAYS = ("probability", "spread", "mask")


def array(answer: Answer, kind: str, threshold: float) -> bytes:
    """A .npy of (H, W): "probability" and "spread" float32, NaN = not observed; "mask" uint8, 1 = at or above."""
    file = io.BytesIO()
    if kind == "mask":
        np.save(file, answer.mask(threshold))
    else:
        np.save(file, {"probability": answer.probability, "spread": answer.spread}[kind])
    return file.getvalue()


def geotiff(image: Image, answer: Answer, threshold: float) -> bytes:
    """Probability, spread and mask as bands of float32, NaN = not observed; with the CRS where the image has one."""
    seen = np.isfinite(answer.probability)
    mask = np.where(seen, answer.mask(threshold), np.nan).astype(np.float32)
    bands = np.stack([answer.probability, answer.spread, mask])
    height, width = image.shape
    place = {"crs": image.ground.crs, "transform": image.ground.transform} if image.ground else {}
    profile = {"driver": "GTiff", "width": width, "height": height, "count": 3, "dtype": "float32", "nodata": np.nan}
    with MemoryFile() as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(**profile, **place, compress="deflate", predictor=3) as file:
            file.write(bands)
            file.descriptions = ARRAYS
            file.update_tags(
                model=answer.model,
                version=answer.version,
                threshold=f"{threshold:g}",
                simulated=str(answer.simulated).lower(),
                source=image.name,
            )
        return bytes(memory.read())


def file_name(image: Image, answer: Answer, kind: str, suffix: str) -> str:
    """Of a download: letters, digits, dots, dashes and underscores only."""
    plain = [re.sub(r"[^A-Za-z0-9._-]+", "-", part).strip("-.") or "file" for part in (image.name, answer.model, kind)]
    return "_".join(plain) + suffix
