"""Changes to the objects of a flatbuffer (`ModelT` of ai_edge_litert.schema_py_generated): what the tests plant."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

FLOAT_TYPES = {schema.TensorType.FLOAT16: np.float16, schema.TensorType.FLOAT32: np.float32}


def constants(model):
    """Return the tensors of *model* that hold floats, largest first."""
    found = [
        tensor
        for graph in model.subgraphs
        for tensor in graph.tensors
        if tensor.type in FLOAT_TYPES and model.buffers[tensor.buffer].data is not None
    ]
    return sorted(found, key=lambda tensor: -len(model.buffers[tensor.buffer].data))


def values(model, tensor):
    """Return a copy of what *tensor*, a float constant of *model*, holds."""
    return np.array(model.buffers[tensor.buffer].data, np.uint8).view(FLOAT_TYPES[tensor.type])


def changing_values(change):
    """Return a change of the values of the largest constant, which *change* is given, flat, and works on in place."""

    def edit(model):
        tensor = constants(model)[0]
        held = values(model, tensor)
        change(held)
        model.buffers[tensor.buffer].data = held.view(np.uint8)

    return edit


def storing_float32(model):
    """Store the largest constant as float32, where its DEQUANTIZE expects float16."""
    tensor = constants(model)[0]
    held = values(model, tensor).astype(np.float32)
    tensor.type, model.buffers[tensor.buffer].data = schema.TensorType.FLOAT32, held.view(np.uint8)


def adding_a_scale(model):
    """Mark the largest constant as quantized."""
    tensor = constants(model)[0]
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = [0.5]


def renaming_operator(name, builtin, custom=None):
    """Return a change of every operator of the builtin kind *name* into another kind."""

    def edit(model):
        (code,) = (code for code in model.operatorCodes if code.builtinCode == getattr(schema.BuiltinOperator, name))
        code.builtinCode = getattr(schema.BuiltinOperator, builtin)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.customCode = custom

    return edit


def without_metadata(name):
    """Return a change that drops one of the file's metadata records."""

    def edit(model):
        model.metadata = [entry for entry in model.metadata if entry.name != name.encode()]

    return edit


def leaving_in_float32(model):
    """Put the float32 values in the place of the largest constant's DEQUANTIZE."""
    graph, tensor = model.subgraphs[0], constants(model)[0]
    (unpacking,) = (operator for operator in graph.operators if graph.tensors[operator.inputs[0]] is tensor)
    graph.operators.remove(unpacking)
    buffer = schema.BufferT()
    buffer.data = values(model, tensor).astype(np.float32).view(np.uint8)
    graph.tensors[unpacking.outputs[0]].buffer = len(model.buffers)
    model.buffers.append(buffer)


def swapping_constants(model):
    """Have the DEQUANTIZE of each of two constants of one shape unpack the other one."""
    graph = model.subgraphs[0]
    one, other = (op for op in graph.operators if list(graph.tensors[op.inputs[0]].shape) == [4])
    one.inputs, other.inputs = other.inputs, one.inputs


def dropping_the_last_operator(model):
    """Leave the last operator out: the graph ends one step earlier."""
    last = model.subgraphs[0].operators.pop()
    model.subgraphs[0].outputs = last.inputs[:1]
    model.signatureDefs[0].outputs[0].tensorIndex = last.inputs[0]
