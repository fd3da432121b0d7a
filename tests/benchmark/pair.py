"""The least that can be done with a ready pair: a bare loop over both files on each target of the CPU.

`python tests/benchmark/pair.py FP32 FP16 EVAL.npz TARGET...` prints the accuracy of each.
"""

import sys
from collections.abc import Callable

import numpy as np

FORCE_FP16 = 4  # TFLITE_XNNPACK_DELEGATE_FLAG_FORCE_FP16


def interpreter(file: str, resolver: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return what runs one image, (1, 28, 28), in LiteRT's interpreter."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    return loop(Interpreter(file, num_threads=1, experimental_op_resolver_type=getattr(OpResolverType, resolver)))


def tf_lite(file: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return what runs one image in TensorFlow's interpreter."""
    import tensorflow as tf

    return loop(tf.lite.Interpreter(file, num_threads=1))


def loop(loaded: object) -> Callable[[np.ndarray], np.ndarray]:
    """Return what runs one image in an interpreter."""
    loaded.allocate_tensors()
    feed, fetch = loaded.get_input_details()[0]["index"], loaded.get_output_details()[0]["index"]

    def run(image: np.ndarray) -> np.ndarray:
        loaded.set_tensor(feed, image)
        loaded.invoke()
        return loaded.get_tensor(fetch)

    return run


def forced_fp16(file: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return what runs one image in XNNPACK's float16 arithmetic."""
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.cpu_options import CpuOptions
    from ai_edge_litert.hardware_accelerator import HardwareAccelerator
    from ai_edge_litert.options import Options

    options = Options(
        hardware_accelerators=HardwareAccelerator.CPU,
        cpu_options=CpuOptions(num_threads=1, xnnpack_flags=FORCE_FP16),
    )
    model = CompiledModel.from_file(file, options=options)
    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)

    def run(image: np.ndarray) -> np.ndarray:
        inputs[0].write(image)
        model.run_by_index(0, inputs, outputs)
        return outputs[0].read(10, np.float32)

    return run


TARGETS: dict[str, Callable[[str], Callable[[np.ndarray], np.ndarray]]] = {
    "reference": lambda file: interpreter(file, "BUILTIN_REF"),
    "builtin": lambda file: interpreter(file, "BUILTIN_WITHOUT_DEFAULT_DELEGATES"),
    "xnnpack": lambda file: interpreter(file, "AUTO"),
    "xnnpack_fp16": forced_fp16,
    "tf_lite": tf_lite,
}

if __name__ == "__main__":
    fp32, fp16, data, *targets = sys.argv[1:]
    with np.load(data) as archive:
        images, labels = archive["x"], archive["y"]
    for target in targets:
        for file in (fp32, fp16):
            run = TARGETS[target](file)
            right = sum(int(run(images[i : i + 1]).argmax() == labels[i]) for i in range(len(images)))
            print(target, file, right / len(images))
