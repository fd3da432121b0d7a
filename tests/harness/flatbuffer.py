"""Changes to the objects of a flatbuffer (`ModelT` of ai_edge_litert.schema_py_generated): what the tests plant."""

import copy

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


def changing_option(name, option, value):
    """Return a change of what the first operator of the builtin kind *name* is told besides its inputs."""

    def edit(model):
        operator = _operators(model, name)[0]
        assert getattr(operator.builtinOptions, option) != value
        setattr(operator.builtinOptions, option, value)

    return edit


def changing_an_integer(model):
    """Change the int32 constant that a RESHAPE is given as the new shape: the size is left to it."""
    (operator,) = _operators(model, "RESHAPE")
    model.buffers[model.subgraphs[0].tensors[operator.inputs[1]].buffer].data = np.array([-1], np.int32).view(np.uint8)


def swapping_activations(model):
    """Exchange what a RESHAPE and an ADD of the model "two" are given: two computed tensors of one shape."""
    (reshape,), (add,) = _operators(model, "RESHAPE"), _operators(model, "ADD")
    reshape.inputs[0], add.inputs[0] = add.inputs[0], reshape.inputs[0]


def reversing_outputs(model):
    """List the graph's outputs in another order."""
    model.subgraphs[0].outputs = model.subgraphs[0].outputs[::-1]


def adding_an_output(model):
    """Have the graph and its signature give a hidden layer, too."""
    number = int(_operators(model, "FULLY_CONNECTED")[0].outputs[0])
    output = copy.copy(model.signatureDefs[0].outputs[0])
    output.name, output.tensorIndex = b"hidden", number
    model.signatureDefs[0].outputs.append(output)
    model.subgraphs[0].outputs = [*model.subgraphs[0].outputs, number]


def adding_a_signature(model):
    """Give the graph a second entry point."""
    model.signatureDefs.append(copy.copy(model.signatureDefs[0]))
    model.signatureDefs[-1].signatureKey = b"other"


def lengthening_names(model):
    """Give every tensor a name that is longer than most weights."""
    for tensor in model.subgraphs[0].tensors:
        tensor.name += b"/deeper" * 200


def sharing_a_buffer(model):
    """Have the constants of equal size, whose values are not looked at, share one buffer, as converters do."""
    one, other = (tensor for tensor in constants(model) if list(tensor.shape) == [3])
    other.buffer = one.buffer


def _operators(model, name):
    code = getattr(schema.BuiltinOperator, name)
    return [op for op in model.subgraphs[0].operators if model.operatorCodes[op.opcodeIndex].builtinCode == code]
