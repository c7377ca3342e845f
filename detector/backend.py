"""Inference engines behind one small protocol: OpenVINO (default), ONNX Runtime, Ultralytics.

A backend takes the network input as `ViewMemory` builds it (height x width x channels, uint8) and answers
the raw output of the head, (N, 4 + classes): see `detector.decoding`, which is the same for all of them.
Nothing here knows about cameras, thresholds or time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from detector.decoding import RawOutput
from detector.detection import LABELS
from detector.errors import BackendError

BackendName = Literal["openvino", "onnxruntime", "ultralytics"]
NetworkInput = npt.NDArray[np.uint8]

KEPT_SIZES = 4  # compiled networks kept per backend: one camera fleet shows two or three aspect ratios


class Backend(Protocol):
    """One loaded network. Not thread-safe: one per worker thread."""

    @property
    def name(self) -> str:
        """Engine and version, for logs and benchmarks."""
        ...

    @property
    def channels(self) -> int:
        """Input channels the network wants: 3, or 3 and one per reference age."""
        ...

    def infer(self, network_input: NetworkInput) -> RawOutput:
        """Raw output (N, 4 + classes) for one input of H x W x channels. Raises BackendError."""
        ...


def open_backend(path: Path, name: BackendName | None = None, *, threads: int = 1) -> Backend:
    """Load `path` with the engine `name`, or with the one its suffix asks for.

    `.xml` and `.onnx` run on OpenVINO, `.onnx` also on ONNX Runtime, `.pt` on Ultralytics.
    """
    if not path.is_file():
        raise BackendError(f"{path}: no such weights file; check the path, or `firewatch models list`")
    chosen = name or {".xml": "openvino", ".onnx": "openvino", ".pt": "ultralytics"}.get(path.suffix)
    if chosen == "openvino":
        return OpenVinoBackend(path, threads=threads)
    if chosen == "onnxruntime":
        return OnnxRuntimeBackend(path, threads=threads)
    if chosen == "ultralytics":
        return UltralyticsBackend(path, threads=threads)
    raise BackendError(f"{path}: unknown kind of weights; .xml (OpenVINO), .onnx or .pt can be loaded")


class OpenVinoBackend:
    """OpenVINO on the CPU, compiled once per input size; conversion to float runs inside the graph."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        import openvino as ov

        self._ov = ov
        self._path = path
        self._core = ov.Core()
        self._threads = threads
        self._compiled: OrderedDict[tuple[int, int], Any] = OrderedDict()
        try:
            self._channels = _channels(self._read_model().input(0).get_partial_shape()[1].get_length(), path)
        except RuntimeError as error:
            raise BackendError(f"{path}: OpenVINO cannot read it ({_first_line(error)})") from None

    @property
    def name(self) -> str:
        return f"openvino {self._ov.__version__.split('-')[0]}"

    @property
    def channels(self) -> int:
        return self._channels

    def infer(self, network_input: NetworkInput) -> RawOutput:
        _check_channels(network_input, self._channels, self._path)
        request = self._request(network_input.shape[0], network_input.shape[1])
        try:
            request.infer({0: _planes(network_input)}, share_inputs=True)
        except RuntimeError as error:
            raise BackendError(f"{self._path}: OpenVINO failed ({_first_line(error)})") from None
        return _rows(np.array(request.get_output_tensor(0).data))

    def _read_model(self) -> Any:
        return self._core.read_model(self._path)

    def _request(self, height_px: int, width_px: int) -> Any:
        size = (height_px, width_px)
        if size in self._compiled:
            self._compiled.move_to_end(size)
            return self._compiled[size]
        try:
            model = self._read_model()
            model.reshape([1, self._channels, height_px, width_px])
            steps = self._ov.preprocess.PrePostProcessor(model)
            steps.input().tensor().set_element_type(self._ov.Type.u8).set_layout(self._ov.Layout("NCHW"))
            steps.input().preprocess().convert_element_type(self._ov.Type.f32).scale(255.0)
            steps.input().model().set_layout(self._ov.Layout("NCHW"))
            compiled = self._core.compile_model(
                steps.build(),
                "CPU",
                {
                    "PERFORMANCE_HINT": "LATENCY",
                    "INFERENCE_NUM_THREADS": self._threads,
                    "NUM_STREAMS": 1,
                    # Pinned, every worker process would compute on the same first core.
                    "ENABLE_CPU_PINNING": False,
                    "INFERENCE_PRECISION_HINT": "f32",  # the same decisions on machines with and without bf16
                },
            )
        except RuntimeError as error:
            raise BackendError(
                f"{self._path}: OpenVINO cannot run it at {width_px}x{height_px} px ({_first_line(error)})"
            ) from None
        self._compiled[size] = compiled.create_infer_request()
        while len(self._compiled) > KEPT_SIZES:
            self._compiled.popitem(last=False)
        return self._compiled[size]


class OnnxRuntimeBackend:
    """ONNX Runtime, for machines OpenVINO does not serve (ARM, CUDA, TensorRT)."""

    def __init__(self, path: Path, *, threads: int = 1, providers: Sequence[str] | None = None) -> None:
        try:
            import onnxruntime
        except ModuleNotFoundError:
            raise BackendError("ONNX Runtime is not installed; run `pip install .[onnx]`") from None
        self._path = path
        self._version = onnxruntime.__version__
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=list(providers or ["CPUExecutionProvider"])
            )
        except Exception as error:  # onnxruntime raises its own unexported classes; all mean "cannot load"
            raise BackendError(f"{path}: ONNX Runtime cannot read it ({_first_line(error)})") from None
        declared = self._session.get_inputs()[0]
        self._input_name = declared.name
        self._channels = _channels(declared.shape[1] if len(declared.shape) == 4 else None, path)

    @property
    def name(self) -> str:
        return f"onnxruntime {self._version}"

    @property
    def channels(self) -> int:
        return self._channels

    def infer(self, network_input: NetworkInput) -> RawOutput:
        _check_channels(network_input, self._channels, self._path)
        planes = _scaled(_planes(network_input))
        try:
            output = self._session.run(None, {self._input_name: planes})[0]
        except Exception as error:  # see above
            raise BackendError(f"{self._path}: ONNX Runtime failed ({_first_line(error)})") from None
        return _rows(output)


class UltralyticsBackend:
    """PyTorch weights as Ultralytics saves them: for comparison, and for a user's own `.pt`."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        try:
            import torch
            from ultralytics import YOLO, __version__
        except ModuleNotFoundError:
            raise BackendError(f"{path}: .pt weights need PyTorch; run `pip install .[train]`") from None
        torch.set_num_threads(threads)
        self._torch = torch
        self._path = path
        self._version = str(__version__)
        try:
            self._model = YOLO(str(path)).model.float().eval().fuse()
        except Exception as error:  # unpickling foreign weights can raise anything
            raise BackendError(f"{path}: Ultralytics cannot read it ({_first_line(error)})") from None
        self._model.requires_grad_(False)
        head = self._model.model[-1]
        head.end2end = False
        self._channels = _channels(int(next(self._model.parameters()).shape[1]), path)
        names = tuple(str(self._model.names[index]).lower() for index in sorted(self._model.names))
        if names != LABELS:
            raise BackendError(
                f"{path}: its classes are {', '.join(names)}; this program needs {', '.join(LABELS)}"
            )

    @property
    def name(self) -> str:
        return f"ultralytics {self._version}"

    @property
    def channels(self) -> int:
        return self._channels

    def infer(self, network_input: NetworkInput) -> RawOutput:
        _check_channels(network_input, self._channels, self._path)
        planes = _scaled(_planes(network_input))
        with self._torch.inference_mode():
            output = self._model(self._torch.from_numpy(planes))
        return _rows((output[0] if isinstance(output, (list, tuple)) else output).numpy())


def _planes(network_input: NetworkInput) -> NetworkInput:
    """1 x channels x H x W; no copy of what `ViewMemory.observe` returns, for it lies in memory like this."""
    return np.ascontiguousarray(network_input.transpose(2, 0, 1))[None]


def _scaled(planes: NetworkInput) -> npt.NDArray[np.float32]:
    """0..255 to 0..1, for engines that do not convert within the graph."""
    return np.divide(planes, np.float32(255), dtype=np.float32)


def _rows(output: npt.NDArray[np.generic]) -> RawOutput:
    """(1, 4 + classes, N) as the head gives it, to (N, 4 + classes)."""
    if output.ndim != 3 or output.shape[0] != 1:
        raise BackendError(
            f"the network answers with shape {output.shape}, expected (1, 4 + classes, boxes); export it "
            "without built-in suppression (nms=False) and not end-to-end"
        )
    return np.asarray(output[0].T, np.float32)


def _channels(declared: object, path: Path) -> int:
    if not isinstance(declared, int) or declared < 3:
        raise BackendError(
            f"{path}: the network's input must be (1, channels, height, width) with >= 3 channels"
        )
    return declared


def _check_channels(network_input: NetworkInput, channels: int, path: Path) -> None:
    if network_input.ndim != 3 or network_input.shape[2] != channels or network_input.dtype != np.uint8:
        raise BackendError(
            f"{path}: the network wants height x width x {channels} uint8, got "
            f"{' x '.join(map(str, network_input.shape))} {network_input.dtype}"
        )


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
