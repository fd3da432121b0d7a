"""What the gate is measured against: the tutorial's steps in one script, without any of the gate.

Trains the CNN, converts it twice and evaluates both files over all test images with `tf.lite.Interpreter`, one image at
a time, as "Post-training float16 quantization" does. Usage: `python tests/benchmark/tutorial.py MNIST.npz`.
"""

import sys

import numpy as np
import tensorflow as tf


def accuracy(content: bytes, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the top-1 accuracy of a `.tflite` file."""
    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    feed = interpreter.get_input_details()[0]["index"]
    fetch = interpreter.get_output_details()[0]["index"]
    predicted = []
    for image in images:
        interpreter.set_tensor(feed, np.expand_dims(image, axis=0).astype(np.float32))
        interpreter.invoke()
        predicted.append(int(np.argmax(interpreter.tensor(fetch)()[0])))
    return float(np.mean(np.array(predicted) == labels))


def main(archive: str) -> None:
    """Train, convert twice, evaluate both."""
    with np.load(archive) as data:
        train, test = data["x_train"] / 255.0, data["x_test"] / 255.0
        train_labels, test_labels = data["y_train"], data["y_test"]
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Input((28, 28)),
            tf.keras.layers.Reshape((28, 28, 1)),
            tf.keras.layers.Conv2D(12, (3, 3), activation="relu"),
            tf.keras.layers.MaxPooling2D((2, 2)),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(10),
        ]
    )
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    model.fit(train, train_labels, epochs=1, validation_data=(test, test_labels), verbose=0)
    float32 = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    float16 = converter.convert()
    for name, content in (("float32", float32), ("float16", float16)):
        print(f"{name}: {len(content)} bytes, accuracy {accuracy(content, test, test_labels):.4f}")


if __name__ == "__main__":
    main(sys.argv[1])
