"""ONNX Runtime, which keeps to itself what it is given.

From 1.29 on its packages send names and hashes of models, and a number that they keep for the machine, to Microsoft,
unless this variable is set before they are imported (https://github.com/microsoft/onnxruntime/pull/27379).
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as onnxruntime
