"""Networks as files: .tflite and ONNX."""
