"""How the page shows an image and what was said of it: pictures of one size, legends, figures, downloads."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from monitor.adapters.georeference import side_m
from monitor.adapters.mosaic import LAYERS
from monitor.adapters.panels import Rgb
from monitor.lab import downloads, pictures
from monitor.lab.answering import Answer, figures
from monitor.lab.image import Image

_BAR = (
    '<div style="font-size:0.8rem;line-height:1.3"><div style="height:0.7rem;border-radius:2px;'
    'background:linear-gradient(to right,{colours})"></div>'
    '<div style="display:flex;justify-content:space-between"><span>{low}</span><span>{middle}</span>'
    "<span>{high}</span></div></div>"
)
_SIDE_BY_SIDE = (3, 4)
"""Pictures in one row of the comparison, at least and at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An image and its picture, which is drawn once for every run of the page."""

    image: Image
    colours: Rgb

    @classmethod
    def of(cls, image: Image) -> "Seen":
        """With the picture of an image."""
        return cls(image=image, colours=pictures.colours(image))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An answer as it is shown."""

    answer: Answer
    threshold: float
    """Where its mask begins."""


def plain(text: str) -> str:
    """Text of others without any meaning in Markdown."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])", r"\\\1", text)


def facts(image: Image) -> None:
    """What is known of an image, and what was supposed."""
    height, width = image.shape
    crs = image.ground.crs.to_string() if image.ground else "no CRS"
    crs = crs if len(crs) <= 40 else "a CRS of its own"
    said = [
        f"**{plain(image.name)}**",
        f"{width} × {height} px of {side_m(image.pixel_ha):.1f} m",
        f"{height * width * image.pixel_ha / 100:.2f} km²",
        plain(crs),
        f"bands {plain(', '.join(image.bands))}" if image.bands else "no pixels kept",
    ]
    st.markdown(" · ".join(said))
    hidden = pictures.hidden_reasons(image)
    notes = [*image.notes, image.scaled, f"Striped ground was not observed: {hidden}." if hidden else ""]
    for note in filter(None, notes):
        st.caption(plain(note))


def table(shown: Sequence[Shown], unfit: Mapping[str, str], image: Image) -> None:
    """All models in figures, also those that were not asked, with why."""
    rows = []
    for one in shown:
        found = figures(one.answer, one.threshold, image.pixel_ha)
        rows.append(
            {
                "Model": plain(one.answer.model) + (" (SIMULATED)" if one.answer.simulated else ""),
                "Threshold": f"{one.threshold:.3f}",
                "At or above": f"{found.share:.1%}",
                "Area": f"{found.area_ha:.1f}\u00a0ha",
                "Highest": f"{found.highest:.2f}",
                "Mean spread": f"{found.spread:.3f}",
                "Answer": "answered",
            }
        )
    blank = dict.fromkeys(("Threshold", "At or above", "Area", "Highest", "Mean spread"), "–")
    rows += [{"Model": plain(name), **blank, "Answer": plain(f"not fit: {why}")} for name, why in unfit.items()]
    st.table(rows, hide_index=True)


def comparison(shown: Sequence[Shown], seen: Seen) -> None:
    """One kind of picture of every model, beside the image."""
    st.subheader("Side by side", anchor=False)
    draw: dict[str, Callable[[Shown], Rgb]] = {
        "Overlay": lambda one: _overlay(one, seen),
        "Probability": lambda one: pictures.layer(one.answer.probability, seen.image, "probability"),
        "Spread": lambda one: pictures.layer(one.answer.spread, seen.image, "spread"),
        "Mask": lambda one: _mask(one, seen),
    }
    kind = st.radio("Show", list(draw), horizontal=True, label_visibility="collapsed", key="comparison")
    panels = [(pictures.seen_as(seen.image), seen.colours)]
    panels += [(one.answer.model, draw[kind](one)) for one in shown]
    least, most = _SIDE_BY_SIDE
    wide = min(max(least, len(panels)), most)
    for start in range(0, len(panels), wide):
        for place, (title, picture) in zip(st.columns(wide), panels[start : start + wide], strict=False):
            _panel(place, title, picture)
    if kind in ("Probability", "Spread"):
        st.html(_legend(kind.lower()))


def single(one: Shown, seen: Seen) -> None:
    """All pictures of one answer, its figures, and what can be taken away."""
    answer, threshold = one.answer, one.threshold
    found = figures(answer, threshold, seen.image.pixel_ha)
    for caution in answer.cautions:
        st.warning(plain(caution))
    places = st.columns(5)
    _panel(places[0], pictures.seen_as(seen.image), seen.colours)
    for place, kind, values in (
        (places[1], "probability", answer.probability),
        (places[2], "spread", answer.spread),
    ):
        _panel(place, kind.capitalize(), pictures.layer(values, seen.image, kind))
        place.html(_legend(kind))
    _panel(places[3], "Mask", _mask(one, seen))
    places[3].caption(f"Yellow: probability at or above {threshold:.3f}")
    places[2].caption("Standard deviation over flips")
    _panel(places[4], "Overlay", _overlay(one, seen))
    places[4].caption("Blue with a bright outline: the mask")
    st.markdown(
        f"**{found.share:.1%}** at or above {threshold:.3f}: **{found.area_ha:.1f} ha** · "
        f"highest {found.highest:.2f} · mean spread {found.spread:.3f}"
    )
    _downloads(one, seen.image)


def _downloads(one: Shown, image: Image) -> None:
    answer, threshold = one.answer, one.threshold
    offered = [(f"{kind.capitalize()} (.npy)", kind, ".npy") for kind in downloads.ARRAYS]
    offered.append(("GeoTIFF" if image.ground else "TIFF without CRS", "lab", ".tif"))
    for place, (label, kind, suffix) in zip(st.columns(len(offered)), offered, strict=True):
        npy = suffix == ".npy"
        place.download_button(
            label,
            downloads.array(answer, kind, threshold) if npy else downloads.geotiff(image, answer, threshold),
            file_name=downloads.file_name(image, answer, kind, suffix),
            mime="application/octet-stream" if npy else "image/tiff",
            key=f"{answer.version}-{kind}",
            on_click="ignore",
            width="stretch",
        )


def _mask(one: Shown, seen: Seen) -> Rgb:
    return pictures.mask_picture(one.answer.mask(one.threshold), one.answer.probability, seen.image)


def _overlay(one: Shown, seen: Seen) -> Rgb:
    return pictures.overlay(seen.colours, one.answer.mask(one.threshold))


def _panel(place: st.delta_generator.DeltaGenerator, title: str, picture: Rgb) -> None:
    place.markdown(f"**{plain(title)}**")
    place.image(picture, width="stretch", output_format="PNG")


def _legend(kind: str) -> str:
    low, high = LAYERS[kind].shown
    return _BAR.format(
        colours=",".join(pictures.gradient(kind)),
        low=f"{low:g}",
        middle=kind,
        high=f"{high:g}" if kind == "probability" else f"≥ {high:g}",
    )
