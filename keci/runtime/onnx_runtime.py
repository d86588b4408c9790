"""ONNX Runtime, told before its first import that nothing about a run is sent anywhere.

It would keep an identifier of the machine and a queue of events (interpreter, system, names of
graphs, durations) in the user's cache, and send them. All of KECI imports it here.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort  # it reads the environment when it is imported

ort.disable_telemetry_events()

__all__ = ["ort"]
