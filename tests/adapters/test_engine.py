"""Engines answer as the card promises, or say why not."""

import importlib.util
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from monitor import wiring
from monitor.adapters.engine import OnnxEngine, open_engine
from monitor.adapters.model_store import load_card
from monitor.config import load
from monitor.core.tta import FLIPS, predict_tile
from monitor.errors import BadModel, ConfigError
from monitor.ports import Engine
from monitor.records import ModelCard
from tests.adapters.tiny_model import CROP_PX, WINDOW_PX, make_model
from tests.fake_watch import write_config


def test_nobody_is_told_of_the_model_and_the_machine(tmp_path: Path) -> None:
    """ONNX Runtime would keep a number for this machine in the home, and send it with the names of models."""
    program = "import sys; from monitor.adapters.engine import *; import onnxruntime as o"
    program += "; o.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])"
    weights = load_card(make_model(tmp_path / "m")).weights
    (tmp_path / "home").mkdir()
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "ORT_DISABLE_TELEMETRY"}}
    environ = {**kept, "HOME": str(tmp_path / "home")}
    environ.pop("XDG_CACHE_HOME", None)
    subprocess.run([sys.executable, "-c", program, str(weights)], env=environ, check=True)
    assert list((tmp_path / "home").rglob("*")) == []


def _windows(count: int, channels: int = 3) -> NDArray[np.float32]:
    shape = (count, channels, WINDOW_PX, WINDOW_PX)
    return np.random.default_rng(1).normal(0, 1, shape).astype(np.float32)


def test_the_reference_engine_answers_what_the_weights_compute(tmp_path: Path) -> None:
    """A convolution and sigmoid written in numpy agree with the engine."""
    from onnx import load, numpy_helper
    from scipy.ndimage import correlate

    card = load_card(make_model(tmp_path / "m"))
    windows = _windows(1)
    kernel = numpy_helper.to_array(load(card.weights).graph.initializer[0])[0]
    raw = sum(correlate(windows[0, c].astype(float), kernel[c].astype(float), mode="constant") for c in range(3))

    answer = OnnxEngine(card, threads=1).predict(windows)

    assert answer.shape == (1, WINDOW_PX, WINDOW_PX)
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer[0], 1 / (1 + np.exp(-raw)), atol=1e-6)


def test_an_answer_does_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    """Alone or among others, in any order, a window gets the same bits."""
    engine = open_engine(load_card(make_model(tmp_path / "m")), threads=2)
    windows = _windows(3)

    together = engine.predict(windows)

    assert np.array_equal(engine.predict(windows[2:])[0], together[2])
    assert np.array_equal(engine.predict(windows[::-1])[::-1], together)
    assert engine.name == "onnxruntime-cpu"


def test_a_network_with_free_sides_is_served_in_the_card_window(tmp_path: Path) -> None:
    """Symbolic height and width are settled by the trial run."""
    engine = OnnxEngine(load_card(make_model(tmp_path / "m", window="side")), threads=1)

    assert engine.predict(_windows(1)).shape == (1, WINDOW_PX, WINDOW_PX)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ((4, 320, True), r"input is \[1, 4, 320, 320\], the card expects \[1, 3, 320, 320\]"),
        ((3, 128, True), r"input is \[1, 3, 128, 128\], the card expects \[1, 3, 320, 320\]"),
        ((3, 320, False), r"output is \[1, 1, 320, 320\], the card expects \[1, 320, 320\]"),
    ],
)
def test_weights_that_do_not_fit_the_card_are_refused(
    tmp_path: Path, weights: tuple[int, int, bool], says: str
) -> None:
    """Channel count and shape are compared before the first scene is read."""
    channels, window, squeeze = weights
    card = load_card(make_model(tmp_path / "m", channels=channels, window=window, squeeze=squeeze))

    with pytest.raises(BadModel, match=says) as caught:
        OnnxEngine(card, threads=1)

    assert card.weights in caught.value.item


def test_weights_that_are_not_onnx_are_refused(tmp_path: Path) -> None:
    """A file that ONNX Runtime cannot parse is a bad model, not a crash."""
    card = load_card(make_model(tmp_path / "m"))
    Path(card.weights).write_bytes(b"not a network")

    with pytest.raises(BadModel, match="cannot load the weights"):
        OnnxEngine(card, threads=1)


def test_an_unknown_engine_is_a_configuration_error(tmp_path: Path) -> None:
    """The remedy lists the engines there are."""
    card = load_card(make_model(tmp_path / "m"))

    with pytest.raises(ConfigError, match="cpu, cuda, openvino"):
        open_engine(card, threads=1, provider="abacus")


def test_a_silent_fall_back_to_the_cpu_is_an_error(tmp_path: Path) -> None:
    """Asking for CUDA on a machine without it fails instead of running slowly."""
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has CUDA")
    card = load_card(make_model(tmp_path / "m"))

    with pytest.raises(ConfigError) as caught:
        open_engine(card, threads=1, provider="cuda")

    assert caught.value.reason == "engine-fallback"


def test_the_service_runs_the_engine_of_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every network; and says so before it polls, when it is not to be had."""
    asked: list[str] = []

    def opened(card: ModelCard, threads: int, provider: str) -> Engine:
        asked.append(provider)
        return open_engine(card, threads, "abacus")

    monkeypatch.setattr(wiring, "open_engine", opened)
    with pytest.raises(ConfigError, match="abacus"):
        wiring.build(load(write_config(tmp_path, "engine: openvino\n")))
    assert asked == ["openvino"]


def test_openvino_agrees_with_the_reference_or_says_it_is_missing(tmp_path: Path) -> None:
    """The optional engine computes the same function; without the extra, the error names it."""
    card = load_card(make_model(tmp_path / "m"))
    if importlib.util.find_spec("openvino") is None:
        with pytest.raises(ConfigError, match=r"scarpwatch\[openvino\]"):
            open_engine(card, threads=1, provider="openvino")
        return
    windows = _windows(2)
    reference = OnnxEngine(card, threads=1).predict(windows)

    np.testing.assert_allclose(open_engine(card, 1, "openvino").predict(windows), reference, atol=1e-4)


def test_windows_of_another_shape_are_refused(tmp_path: Path) -> None:
    """A wrong window is a mistake of the caller and says both shapes."""
    engine = OnnxEngine(load_card(make_model(tmp_path / "m")), threads=1)

    with pytest.raises(ValueError, match=r"expects \(N, 3, 320, 320\)"):
        engine.predict(_windows(1, channels=2))


def test_threads_take_turns(tmp_path: Path) -> None:
    """Asked from two threads at once, an engine runs one window at a time and answers as ever."""
    engine = OnnxEngine(load_card(make_model(tmp_path / "m")), threads=1)
    windows = _windows(6)
    expected = engine.predict(windows)
    inside, most = [0], [0]
    run = engine._session.run

    class Watched:
        """The session, counting who is in it."""

        def run(self, *arguments: object) -> object:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.005)
            answer = run(*arguments)
            inside[0] -= 1
            return answer

    engine._session = Watched()
    with ThreadPoolExecutor(2) as pool:
        for answer in pool.map(engine.predict, [windows, windows]):
            assert np.array_equal(answer, expected)
    assert most == [1]


def test_a_tile_goes_through_engine_and_flips(tmp_path: Path) -> None:
    """With one flip the tile is the engine's own answer without its rim."""
    card = load_card(make_model(tmp_path / "m"))
    engine = OnnxEngine(card, threads=1)
    features = _windows(1)[0]

    plain = predict_tile(engine, features, ["identity"], card.crop_px)
    averaged = predict_tile(engine, features, tuple(FLIPS), card.crop_px)

    direct = engine.predict(features[None])[0]
    assert np.array_equal(plain.probability, direct[CROP_PX:-CROP_PX, CROP_PX:-CROP_PX])
    assert not plain.spread.any()
    assert averaged.spread.mean() > 0.01
