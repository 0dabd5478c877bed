"""Engines: the networks of model folders, ready to answer (`monitor.ports.Engine`).

ONNX Runtime on the CPU is the reference; CUDA through ONNX Runtime and OpenVINO give the same
function faster. The engine that was asked for is the engine that runs: falling back in silence would
turn a minute into an hour and nobody would know, so it is an error.
"""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.onnx_runtime import onnxruntime
from monitor.errors import BadModel, ConfigError
from monitor.ports import Engine
from monitor.records import ModelCard

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_REEXPORT = "Export the model again with `python -m training export`."

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def open_engine(card: ModelCard, threads: int, provider: str = "cpu") -> Engine:
    """The engine a configuration asks for: cpu, cuda or openvino.

    Raises:
        BadModel: the weights do not fit the card.
        ConfigError: the engine is unknown or not to be had on this machine.
    """
    if provider == "openvino":
        return OpenVinoEngine(card, threads)
    return OnnxEngine(card, threads, provider)


class OnnxEngine:
    """ONNX Runtime, one window at a time in the fixed shape (1, C, window, window).

    The fixed shape makes every answer independent of its neighbours in a batch (bitwise the same
    alone or among others) and lets the memory plan be made once. On CPU batches gain nothing.
    Safe across threads: they take turns by windows, so that memory is that of one.
    """

    def __init__(self, card: ModelCard, threads: int, provider: str = "cpu") -> None:
        """Load and try out the weights.

        Args:
            threads: of one operator (intra-op); operators run one after the other.
            provider: cpu or cuda.

        Raises:
            BadModel: the weights cannot be loaded, or their shapes do not fit the card.
            ConfigError: the provider is unknown, or fell back to another.
        """
        self._card = card
        self._turn = Lock()
        self._session = _session(card, threads, provider)
        self._name = f"onnxruntime-{provider}"
        self._input, self._output = _check_declared(card, self._session)
        _check_answer(card, self._run(_blank(card)))

    @property
    def name(self) -> str:
        """onnxruntime-cpu or onnxruntime-cuda: what really runs."""
        return self._name

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, C, window, window) float32 normalised input to (N, window, window) float32 probability 0-1."""
        return _one_by_one(self._card, windows, self._run)

    def _run(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        with self._turn:
            return np.asarray(self._session.run([self._output], {self._input: window})[0])


class OpenVinoEngine:
    """OpenVINO on the CPU (extra `openvino`), the same function in full float32 precision; safe across threads."""

    def __init__(self, card: ModelCard, threads: int) -> None:
        """Compile and try out the weights; errors as in OnnxEngine."""
        if importlib.util.find_spec("openvino") is None:
            raise ConfigError(
                "OpenVINO is not installed",
                item="engine openvino",
                remedy="Install scarpwatch[openvino] or use engine cpu.",
            )
        # By name, because the type checker must pass where the extra is not installed.
        openvino = importlib.import_module("openvino")

        self._card = card
        self._turn = Lock()
        core = openvino.Core()
        options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": 1}
        try:
            model = core.read_model(card.weights)
            model.reshape([1, card.channels, card.window_px, card.window_px])
            self._request = core.compile_model(model, "CPU", options).create_infer_request()
            _check_answer(card, self._run(_blank(card)))
        except RuntimeError as err:
            raise _bad(card, f"OpenVINO cannot compile the weights ({err})", _REEXPORT) from err

    @property
    def name(self) -> str:
        """openvino-cpu."""
        return "openvino-cpu"

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, C, window, window) float32 normalised input to (N, window, window) float32 probability 0-1."""
        return _one_by_one(self._card, windows, self._run)

    def _run(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        # The request owns its output buffer and reuses it for the next window.
        with self._turn:
            return np.array(self._request.infer([window])[0])


def _bad(card: ModelCard, message: str, remedy: str) -> BadModel:
    return BadModel(message, item=f"model {card.name} ({card.weights})", remedy=remedy)


def _session(card: ModelCard, threads: int, provider: str) -> onnxruntime.InferenceSession:
    if provider not in _PROVIDERS:
        known = ", ".join([*_PROVIDERS, "openvino"])
        raise ConfigError("unknown engine", item=f"engine {provider}", remedy=f"Use one of {known}.")
    wanted = _PROVIDERS[provider]
    if wanted not in onnxruntime.get_available_providers():
        raise _fell_back(provider, f"this installation of ONNX Runtime has no {wanted}")
    try:
        session = onnxruntime.InferenceSession(card.weights, _session_options(threads), providers=[wanted])
    except Exception as err:  # ONNX Runtime raises pybind classes without a common public parent
        raise _bad(card, f"ONNX Runtime cannot load the weights ({err})", _REEXPORT) from err
    if session.get_providers()[0] != wanted:
        raise _fell_back(provider, f"ONNX Runtime fell back to {session.get_providers()[0]}")
    # Without this a CUDA failure in the middle of a run would be retried on the CPU in silence.
    session.disable_fallback()
    return session


def _session_options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # One shape for ever: the arena grows to the one plan in the first call and stays there, so keeping
    # it costs nothing beyond that peak and saves an allocation per operator.
    options.enable_cpu_mem_arena = True
    options.enable_mem_pattern = True
    # Idle workers sleep instead of spinning: between two windows the cores read and write the others.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _fell_back(provider: str, detail: str) -> ConfigError:
    return ConfigError(
        detail,
        item=f"engine {provider}",
        remedy="Install scarpwatch[gpu] and its driver on a machine with the device, or set the engine to cpu.",
        reason="engine-fallback",
    )


def _check_declared(card: ModelCard, session: onnxruntime.InferenceSession) -> tuple[str, str]:
    """Names of the one input and output, whose fixed dimensions must be the card's."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1:
        raise _bad(
            card, f"the network has {len(inputs)} inputs and {len(outputs)} outputs, expected one each", _REEXPORT
        )
    side = card.window_px
    _check_dimensions(card, "input", inputs[0].shape, (1, card.channels, side, side))
    _check_dimensions(card, "output", outputs[0].shape, (1, side, side))
    if inputs[0].type != "tensor(float)" or outputs[0].type != "tensor(float)":
        raise _bad(card, f"the network maps {inputs[0].type} to {outputs[0].type}, expected float32", _REEXPORT)
    return inputs[0].name, outputs[0].name


def _check_dimensions(card: ModelCard, what: str, shape: Sequence[int | str | None], expected: tuple[int, ...]) -> None:
    """Symbolic dimensions fit anything; the trial run settles them."""
    fits = len(shape) == len(expected) and all(
        stated == wanted for stated, wanted in zip(shape, expected, strict=True) if isinstance(stated, int)
    )
    if not fits:
        raise _bad(
            card,
            f"the network's {what} is {list(shape)}, the card expects {list(expected)}",
            "Correct scarpwatch:channels and scarpwatch:window_px, or export the model again.",
        )


def _blank(card: ModelCard) -> NDArray[np.float32]:
    return np.zeros((1, card.channels, card.window_px, card.window_px), dtype=np.float32)


def _check_answer(card: ModelCard, answer: NDArray[np.float32]) -> None:
    """A trial answer must be probabilities in the shape the card promises."""
    expected = (1, card.window_px, card.window_px)
    if answer.shape != expected:
        raise _bad(card, f"the network answers {answer.shape}, the card expects {expected}", _REEXPORT)
    if not (np.isfinite(answer).all() and answer.min() >= 0.0 and answer.max() <= 1.0):
        raise _bad(card, "the network's answer to a blank window is not a probability 0-1 (no sigmoid?)", _REEXPORT)


def _one_by_one(card: ModelCard, windows: NDArray[np.float32], run: Run) -> NDArray[np.float32]:
    expected = (card.channels, card.window_px, card.window_px)
    if windows.ndim != 4 or windows.shape[1:] != expected:
        raise ValueError(f"windows are {windows.shape}, model {card.name} expects (N, {', '.join(map(str, expected))})")
    answers = np.empty((len(windows), card.window_px, card.window_px), dtype=np.float32)
    for index in range(len(windows)):
        answers[index] = run(np.ascontiguousarray(windows[index : index + 1], dtype=np.float32))[0]
    return answers
