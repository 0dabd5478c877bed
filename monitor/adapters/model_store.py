"""Model folders: `models/<name>/model.json` (a STAC item with the MLM extension) beside its weights.

A folder is believed only when everything it says about itself agrees: the hash with the weights, the
bands with the channels, the window with the tile grid. The engine checks the weights' own shapes.
The card's format: https://github.com/stac-extensions/mlm, plus `scarpwatch:*` keys for what the
service needs and MLM has no word for.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from monitor.adapters.card_inputs import KEY as INPUTS
from monitor.adapters.card_inputs import check_known, read_inputs
from monitor.core.features import PER_INPUT, VISIBLE, bands_to_read, channels_of, date_of, earlier_dates
from monitor.core.tta import FLIPS
from monitor.core.windows import plan_windows
from monitor.errors import BadModel
from monitor.inputs import Input
from monitor.records import CHANGE, ModelCard, Sensor

CARD = "model.json"
TASKS = ("susceptibility", "scar", CHANGE)
_INPUTS_REMEDY = "Correct the card (docs/models.md tells what inputs there are), or choose another model."


def load_card(folder: Path) -> ModelCard:
    """The card of one model folder, checked against its weights.

    Raises:
        BadModel: the card is missing, malformed, or contradicts the weights or itself.
    """
    document = _document(folder)
    properties = _mapping(folder, document, "properties")
    bands, sensor = _bands(folder, properties), _sensor(folder, properties)
    weights, sha256 = _weights(folder, document)
    card = ModelCard(
        name=folder.resolve().name,
        version=_text(folder, properties, "scarpwatch:version"),
        task=_text(folder, properties, "scarpwatch:task"),
        sensor=sensor,
        bands=bands,
        channels=_whole(folder, properties, "scarpwatch:channels"),
        normalisation=_text(folder, properties, "scarpwatch:normalisation"),
        window_px=_whole(folder, properties, "scarpwatch:window_px"),
        crop_px=_whole(folder, properties, "scarpwatch:crop_px"),
        resolution_m=_number(folder, properties, "scarpwatch:resolution_m"),
        flips=_names(folder, properties, "scarpwatch:flips"),
        threshold=_number(folder, properties, "scarpwatch:threshold"),
        simulated=_flag(folder, properties, "scarpwatch:simulated"),
        sha256=sha256,
        weights=str(weights),
        inputs=_inputs(folder, properties, bands, sensor),
        native_resolution_m=_native(folder, properties),
    )
    _check_consistent(folder, card, properties)
    return card


def load_watch_card(folder: Path) -> ModelCard:
    """The card of a model that the service can watch with: of one look, or of one look and earlier ones.

    Raises:
        BadModel: as `load_card`; also where it wants what the service cannot give.
    """
    card = load_card(folder)
    try:
        for name in card.bands:
            check_known(name, card.sensor)
        _check_dates(card)
    except ValueError as err:
        raise _bad(folder, str(err), _INPUTS_REMEDY) from err
    return card


def _check_dates(card: ModelCard) -> None:
    """Raise ValueError, in words, unless the dates of a card's inputs suit its task and the looks that are kept."""
    dated = [name for name in card.bands if date_of(name)[1]]
    if not card.of_pairs:
        if dated:
            raise ValueError(f"has the input {dated[0]!r} of another date; only a model of task change may")
        return
    if not earlier_dates(card):
        raise ValueError("is of task change and sees no earlier date (such as vv:before)")
    lost = sorted(set(bands_to_read(card)) - set(VISIBLE)) if card.sensor is Sensor.OPTICAL else []
    if lost:
        raise ValueError(f"is of task change and needs {', '.join(lost)}, but looks keep red, green and blue alone")


def load_radar_card(folder: Path) -> ModelCard:
    """The card of a model for radar passes.

    Raises:
        BadModel: as `load_watch_card`; also where the model wants optics.
    """
    card = load_watch_card(folder)
    if card.sensor is not Sensor.SAR:
        raise _bad(folder, "is a model of optics, not of radar", "Name it under `model`, or choose one of sensor sar.")
    return card


def list_models(folder: Path) -> tuple[list[ModelCard], list[BadModel]]:
    """Cards of all model folders under `folder`, by name, and what is wrong with the others.

    One broken folder never hides the good ones. A missing `folder` holds no models.
    """
    cards: list[ModelCard] = []
    broken: list[BadModel] = []
    for path in sorted(folder.glob(f"*/{CARD}")):
        try:
            cards.append(load_card(path.parent))
        except BadModel as err:
            broken.append(err)
    return cards, broken


def _bad(folder: Path, message: str, remedy: str) -> BadModel:
    return BadModel(message, item=f"model folder {folder}", remedy=remedy)


def _document(folder: Path) -> Mapping[str, object]:
    path = folder / CARD
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise _bad(folder, f"has no {CARD}", "Name a folder that `python -m training export` wrote.") from err
    except (OSError, ValueError) as err:
        raise _bad(folder, f"{CARD} cannot be read as JSON ({err})", "Export the model again.") from err
    if not isinstance(document, dict):
        raise _bad(folder, f"{CARD} is not a STAC item", "Export the model again.")
    return document


def _weights(folder: Path, document: Mapping[str, object]) -> tuple[Path, str]:
    """Absolute path of the weights and their SHA-256, which must be the card's."""
    asset = _mapping(folder, _mapping(folder, document, "assets"), "model")
    path = (folder / _text(folder, asset, "href")).resolve()
    stated = _text(folder, asset, "scarpwatch:sha256").lower()
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as err:
        raise _bad(
            folder, f"weights {path} cannot be read ({err.strerror})", "Restore the file beside its card."
        ) from err
    if actual != stated:
        raise _bad(
            folder,
            f"weights {path.name} have sha256 {actual[:12]}…, the card states {stated[:12]}…",
            "The weights changed or were cut short after the export: restore them, or export the model again.",
        )
    return path, actual


def _check_consistent(folder: Path, card: ModelCard, properties: Mapping[str, object]) -> None:
    if card.task not in TASKS:
        raise _bad(folder, f"scarpwatch:task is {card.task!r}, not one of {', '.join(TASKS)}", "Correct the card.")
    fed = sum(map(channels_of, card.bands))
    if fed != card.channels:
        raise _bad(
            folder,
            f"names {fed} bands ({', '.join(card.bands)}) but scarpwatch:channels is {card.channels}",
            "Make mlm:input bands and scarpwatch:channels agree with the network, then export again.",
        )
    unknown = [name for name in card.flips if name not in FLIPS]
    if unknown or not card.flips:
        raise _bad(folder, f"scarpwatch:flips {list(card.flips)} must be some of {sorted(FLIPS)}", "Correct the card.")
    if not 0.0 < card.threshold < 1.0:
        raise _bad(folder, f"scarpwatch:threshold {card.threshold} is not between 0 and 1", "Correct the card.")
    try:
        plan_windows(card.window_px, card.crop_px)
    except ValueError as err:
        raise _bad(
            folder, str(err), "Export with a window of 256 px plus twice the crop, for example 320 and 32."
        ) from err
    _check_stated_shape(folder, card, properties)


def _check_stated_shape(folder: Path, card: ModelCard, properties: Mapping[str, object]) -> None:
    """`mlm:input[0].input.shape`, when stated, is [batch, C, H, W] with -1 for what is free."""
    described = _first_input(folder, properties).get("input")
    shape = described.get("shape") if isinstance(described, dict) else None
    if not isinstance(shape, list):
        return
    expected = (card.channels, card.window_px, card.window_px)
    fits = len(shape) == 4 and all(stated in (-1, wanted) for stated, wanted in zip(shape[1:], expected, strict=True))
    if not fits:
        raise _bad(
            folder,
            f"mlm:input shape {shape} does not fit [batch, {', '.join(map(str, expected))}]",
            "Make the shape agree with scarpwatch:channels and scarpwatch:window_px, then export again.",
        )


def _first_input(folder: Path, properties: Mapping[str, object]) -> Mapping[str, object]:
    inputs = properties.get("mlm:input")
    if not isinstance(inputs, list) or not inputs or not isinstance(inputs[0], dict):
        raise _bad(folder, "mlm:input is missing or empty", "Export the model again; the card must name its bands.")
    return inputs[0]


def _bands(folder: Path, properties: Mapping[str, object]) -> tuple[str, ...]:
    """Band names in order; MLM allows plain names and objects with a name."""
    bands = _first_input(folder, properties).get("bands")
    if not isinstance(bands, list) or not bands:
        raise _bad(folder, "mlm:input names no bands", 'Name them in order, for example ["B04", "B03", "B02"].')
    names = [band.get("name") if isinstance(band, dict) else band for band in bands]
    if not all(isinstance(name, str) for name in names):
        raise _bad(folder, f"mlm:input bands {bands} are not names", 'Name them, for example ["B04", "B03", "B02"].')
    return tuple(str(name) for name in names)


def _inputs(
    folder: Path, properties: Mapping[str, object], bands: tuple[str, ...], sensor: Sensor
) -> tuple[Input, ...]:
    """What is done with each input; nothing where one method does for all."""
    if properties.get("scarpwatch:normalisation") != PER_INPUT:
        return ()
    try:
        return read_inputs(bands, properties.get(INPUTS), sensor)
    except ValueError as err:
        raise _bad(folder, str(err), _INPUTS_REMEDY) from err


def _native(folder: Path, properties: Mapping[str, object]) -> float | None:
    key = "scarpwatch:native_resolution_m"
    if key not in properties:
        return None
    metres = _number(folder, properties, key)
    if metres <= 0:
        raise _bad(folder, f"{key} is {metres:g}, which is no size", "Correct the card.")
    return metres


def _sensor(folder: Path, properties: Mapping[str, object]) -> Sensor:
    text = _text(folder, properties, "scarpwatch:sensor")
    try:
        return Sensor(text)
    except ValueError as err:
        raise _bad(folder, f"scarpwatch:sensor is {text!r}", f"Use one of {', '.join(Sensor)}.") from err


def _missing(folder: Path, key: str, kind: str) -> BadModel:
    return _bad(folder, f"{CARD} lacks {key} ({kind})", "Add it to the card, or export the model again.")


def _mapping(folder: Path, source: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = source.get(key)
    if not isinstance(value, dict):
        raise _missing(folder, key, "an object")
    return value


def _text(folder: Path, source: Mapping[str, object], key: str) -> str:
    value = source.get(key)
    if not isinstance(value, str) or not value:
        raise _missing(folder, key, "a text")
    return value


def _whole(folder: Path, source: Mapping[str, object], key: str) -> int:
    value = source.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _missing(folder, key, "a whole number")
    return value


def _number(folder: Path, source: Mapping[str, object], key: str) -> float:
    value = source.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _missing(folder, key, "a number")
    return float(value)


def _flag(folder: Path, source: Mapping[str, object], key: str) -> bool:
    value = source.get(key)
    if not isinstance(value, bool):
        raise _missing(folder, key, "true or false")
    return value


def _names(folder: Path, source: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = source.get(key)
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _missing(folder, key, "a list of names")
    return tuple(value)
