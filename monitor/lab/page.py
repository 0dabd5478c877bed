"""The page itself, run by Streamlit (`scarpwatch lab`): choose an image and models, see what they say."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from monitor.config import Settings, SettingsError, load
from monitor.errors import ScarpwatchError
from monitor.lab import showing
from monitor.lab.answering import Answer, unfit
from monitor.lab.bench import Bench, Models, kept_passes, models_in
from monitor.lab.image import Image
from monitor.lab.showing import Seen, Shown, plain
from monitor.lab.stored import StoredPass, by_region, read_stored, stored_tiles
from monitor.lab.uploads import MOST_UPLOAD_MB, SUFFIXES, band_names, check_size, read_upload
from monitor.records import ModelCard
from monitor.shipped import shipped_folder

_ALL = "All models"
_NONE = "None: what the watch kept"
_UPLOAD, _STORED = "Upload a file", "Stored acquisition"
_HELP = """
Choose a file on the left. What is read:

- **Landslide4Sense patches** (`.h5`, array `img` with 14 bands);
- **GeoTIFF** whose bands are named in its descriptions, or by you: `B04, B03, B02`. Three unnamed bands are taken for
  red, green, blue, a fourth for near infrared.

Every model at hand that knows these bands answers with a probability, its spread over flips, and a mask from its own
threshold on. Nothing is kept when the page is closed.
"""


def main() -> None:
    """One run of the page."""
    st.set_page_config(page_title="Scarpwatch lab", layout="wide")
    models_folder, settings = _given(tuple(sys.argv[1:]))
    models = _models(str(models_folder))
    st.title("Scarpwatch lab", anchor=False)
    with st.sidebar:
        source = st.radio("Image", [_UPLOAD, _STORED]) if settings else _UPLOAD
        try:
            kept, image = None, None
            if source == _UPLOAD:
                image = _uploaded()
            elif settings is not None:
                image, kept = _stored(settings, models)
        except ScarpwatchError as error:
            st.error(plain(str(error)))
        chosen = st.selectbox("Model", _choices(source, models))
        for broken in models.broken:
            st.warning(plain(str(broken)))
        if settings is None:
            st.caption("Started without a configuration: stored acquisitions need one.")
    if image is None:
        st.markdown(_HELP)
        return
    showing.facts(image)
    _show(image, kept, models, chosen, _bench(settings))


@st.cache_resource(show_spinner=False)
def _given(arguments: tuple[str, ...]) -> tuple[Path, Settings | None]:
    """The folder of models, and the configuration if there is one: `scarpwatch lab` has looked at it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path)
    parser.add_argument("--models", type=Path)
    options = parser.parse_args(arguments)
    settings = load(options.config) if options.config else None
    return options.models or (settings.models if settings else shipped_folder("models")), settings


@st.cache_resource(show_spinner="Reading the models …", ttl=600)
def _models(folder: str) -> Models:
    return models_in(Path(folder))


@st.cache_resource(show_spinner=False)
def _only_bench(threads: int, provider: str) -> Bench:
    return Bench(threads, provider)


def _bench(settings: Settings | None) -> Bench:
    threads = settings.threads if settings else 0
    return _only_bench(threads or os.cpu_count() or 1, settings.engine if settings else "cpu")


def _uploaded() -> Image | None:
    """The file that was uploaded, read once."""
    file = st.file_uploader(f"HDF5 patch or GeoTIFF, at most {MOST_UPLOAD_MB} MB", type=list(SUFFIXES))
    bands = st.text_input(
        "Bands of a GeoTIFF, if it does not name them",
        placeholder="B04, B03, B02",
        help="In the order of the file. Sentinel-2 bands as B02 … B12, or red, green, blue, nir; also slope (degrees), "
        "elevation and tri (metres), vv, vh (linear power), land_cover:esa-worldcover (classes).",
    )
    if file is None:
        return None
    check_size(file.name, file.size)
    return _once((file.file_id, bands), lambda: (read_upload(file.name, file.getvalue(), band_names(bands)), None))[0]


def _once(key: tuple[str, ...], read: Callable[[], tuple[Image, Answer | None]]) -> tuple[Image, Answer | None]:
    """What is looked at, read when another was looked at before: the page runs anew at every touch."""
    if st.session_state.get("read", (None,))[0] != key:
        st.session_state.pop("read", None)
        st.session_state["read"] = (key, read())
    found: tuple[Image, Answer | None] = st.session_state["read"][1]
    return found


def _stored(settings: Settings, models: Models) -> tuple[Image | None, Answer | None]:
    """A tile of an acquisition that the watch has kept."""
    passes = by_region(kept_passes(settings))
    if not passes:
        st.info("Nothing is kept yet: no acquisition is done and has products.")
        return None, None
    region = st.selectbox("Region", sorted(passes))
    of: StoredPass = st.selectbox("Acquisition", passes[region], format_func=lambda one: one.title)
    tiles = stored_tiles(settings.products, of)
    if not tiles:
        st.info("Neither looks nor products of this acquisition show a tile.")
        return None, None
    tile = st.selectbox("Tile", tiles, format_func=lambda one: one.tile.id + ("" if one.look else " (no pixels kept)"))
    st.caption("The watch saw each tile against its neighbours; models asked here see this tile alone.")
    key = (of.region, of.id, tile.tile.id, tile.look or "")
    return _once(key, lambda: read_stored(settings.products, of, tile, models.cards))


def _choices(source: str, models: Models) -> list[str]:
    names = [_ALL, *(card.name for card in models.cards)]
    return [_NONE, *names] if source == _STORED else names


def _show(image: Image, kept: Answer | None, models: Models, chosen: str, bench: Bench) -> None:
    """What the watch said of an image, and what the chosen models say."""
    seen = Seen.of(image)
    if kept is not None:
        st.subheader(plain(f"As the watch kept it: {kept.model}"), anchor=False)
        showing.single(Shown(answer=kept, threshold=_threshold(kept, "kept")), seen)
    elif chosen == _NONE:
        st.info("The watch's own network said nothing of this tile.")
        st.image(seen.colours, width=384)
    cards = [card for card in models.cards if chosen in (_ALL, card.name)]
    reasons = {card.name: why for card in cards if (why := unfit(card, image.bands))}
    summary = st.container()
    answers = [_answer(bench, card, image, reasons) for card in cards if card.name not in reasons]
    shown = [_section(answer, seen) for answer in answers if answer is not None]
    with summary:
        if len(cards) > 1 or reasons:
            st.subheader("Models", anchor=False)
            showing.table(shown, reasons, image)
        if len(shown) > 1:
            showing.comparison(shown, seen)


def _section(answer: Answer, seen: Seen) -> Shown:
    """An answer with its slider; gives where its mask begins."""
    st.divider()
    title = f"{answer.model}: SIMULATED" if answer.simulated else answer.model
    st.subheader(plain(title), anchor=False)
    st.caption(plain(f"Version {answer.version}"))
    shown = Shown(answer=answer, threshold=_threshold(answer, "asked"))
    showing.single(shown, seen)
    return shown


def _threshold(answer: Answer, use: str) -> float:
    return float(
        st.slider(
            f"Threshold of the mask of {answer.model} (its card says {answer.threshold:.3f})",
            min_value=0.0,
            max_value=1.0,
            value=float(answer.threshold),
            step=0.001,
            format="%.3f",
            key=f"{use}-{answer.version}",
        )
    )


def _answer(bench: Bench, card: ModelCard, image: Image, reasons: dict[str, str]) -> Answer | None:
    """What a model says, asked once for each image; what goes wrong is a reason, and the others answer."""
    answers: dict[str, Answer] = {}
    known = st.session_state.get("answers")
    if known is not None and known[0] is image:
        answers = known[1]
    st.session_state["answers"] = (image, answers)
    if card.sha256 not in answers:
        with st.spinner(plain(f"Asking {card.name} …")):
            bar = st.progress(0.0)
            try:
                answers[card.sha256] = bench.ask(card, image, bar.progress)
            except ScarpwatchError as error:
                reasons[card.name] = str(error)
            finally:
                bar.empty()
    return answers.get(card.sha256)


if __name__ == "__main__":
    try:
        main()
    except SettingsError as error:
        st.error(plain(str(error)))
