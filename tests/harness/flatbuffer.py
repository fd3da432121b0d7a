"""Changes to the objects of a flatbuffer (`ModelT` of ai_edge_litert.schema_py_generated): what the tests plant."""

import copy

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

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


def smallest(description, batch_size=1):
    """Return the bytes of a file that passes pictures on, and holds *description*."""
    shape, signature = [1, 28, 28], [batch_size, 28, 28]
    tensor = schema.TensorT(shape=shape, shapeSignature=signature, name=b"x", type=schema.TensorType.FLOAT32)
    graph = schema.SubGraphT(tensors=[tensor], inputs=[0], outputs=[0], operators=[], name=b"main")
    model = schema.ModelT(
        version=3, operatorCodes=[], subgraphs=[graph], buffers=[schema.BufferT()], description=description
    )
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


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


def casting_weights_only(model):
    """Quantize a float32 file as ai-edge-quantizer 0.10 and litert-quantizer 0.11 do, to the byte (`float_casting`).

    The weights of convolutions and dense layers become float16, with a DEQUANTIZE before who uses them first; what is
    beyond float16 becomes infinite; biases, tables, names and the metadata stay.
    """
    weights_at = {"FULLY_CONNECTED": 1, "CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "TRANSPOSE_CONV": 1}
    positions = {getattr(schema.BuiltinOperator, name): position for name, position in weights_at.items()}
    for graph in model.subgraphs:
        codes = [code.builtinCode for code in model.operatorCodes]
        cast = {}
        for operator in list(graph.operators):
            if codes[operator.opcodeIndex] not in positions:
                continue
            number = operator.inputs[positions[codes[operator.opcodeIndex]]]
            if number in cast or model.buffers[graph.tensors[number].buffer].data is None:
                continue
            cast[number] = [other for other in graph.operators if number in other.inputs]
        for number, users in sorted(cast.items()):
            _cast(model, graph, number, users)


def _cast(model, graph, number, users):
    """Store a tensor of *graph* as float16 and give its *users* what a DEQUANTIZE makes of it."""
    code = schema.BuiltinOperator.DEQUANTIZE
    codes = [entry.builtinCode for entry in model.operatorCodes]
    if code not in codes:
        model.operatorCodes.append(schema.OperatorCodeT(builtinCode=code))
        codes.append(code)
    tensor = graph.tensors[number]
    unpacked = schema.TensorT(shape=tensor.shape, type=tensor.type, name=tensor.name + b"_dequant")
    held = values(model, tensor)
    with np.errstate(over="ignore"):
        model.buffers[tensor.buffer].data = held.astype(np.float16).view(np.uint8)
    tensor.type = schema.TensorType.FLOAT16
    unpacking = schema.OperatorT(opcodeIndex=codes.index(code), inputs=[number], outputs=[len(graph.tensors)])
    graph.operators.insert(min(map(graph.operators.index, users)), unpacking)
    for user in users:
        user.inputs = [len(graph.tensors) if index == number else index for index in user.inputs]
    graph.tensors.append(unpacked)


def reshaping_a_weight(model):
    """Have the weights of the last dense layer, a constant in another shape, pass a RESHAPE."""
    graph = model.subgraphs[0]
    dense = _operators(model, "FULLY_CONNECTED")[-1]
    weights = graph.tensors[dense.inputs[1]]
    reshaped = copy.copy(weights)
    reshaped.buffer, reshaped.name = 0, weights.name + b"_reshaped"
    weights.shape = [*reversed(weights.shape)]
    _insert(model, graph, "RESHAPE", dense, reshaped)


def computing_a_weight(model):
    """Have the weights of the last dense layer be computed from the input of the graph: there is no constant then."""
    graph = model.subgraphs[0]
    dense = _operators(model, "FULLY_CONNECTED")[-1]
    computed = copy.copy(graph.tensors[dense.inputs[1]])
    computed.buffer, computed.name = 0, computed.name + b"_computed"
    _insert(model, graph, "RESHAPE", dense, computed).inputs = list(graph.inputs)


def _insert(model, graph, kind, before, output):
    """Insert an operator between the second input of another and that."""
    model.operatorCodes.append(schema.OperatorCodeT(builtinCode=getattr(schema.BuiltinOperator, kind)))
    inserted = schema.OperatorT(
        opcodeIndex=len(model.operatorCodes) - 1, inputs=[before.inputs[1]], outputs=[len(graph.tensors)]
    )
    graph.operators.insert(graph.operators.index(before), inserted)
    before.inputs = [before.inputs[0], len(graph.tensors), *before.inputs[2:]]
    graph.tensors.append(output)
    return inserted


def passing_a_weight_to_the_loop(model):
    """Give a loop the weights that its body holds: they go round unchanged."""
    outer, condition, body = model.subgraphs
    (loop,) = _operators(model, "WHILE")
    codes = [code.builtinCode for code in model.operatorCodes]
    dense = next(op for op in body.operators if codes[op.opcodeIndex] == schema.BuiltinOperator.FULLY_CONNECTED)
    weights = body.tensors[dense.inputs[1]]
    for graph, stored in ((outer, True), (outer, False), (condition, False), (body, False)):
        tensor = copy.copy(weights)
        tensor.buffer = weights.buffer if stored else 0
        graph.tensors.append(tensor)
    last = {id(graph): len(graph.tensors) - 1 for graph in model.subgraphs}
    loop.inputs = [*loop.inputs, last[id(outer)] - 1]
    loop.outputs = [*loop.outputs, last[id(outer)]]
    condition.inputs = [*condition.inputs, last[id(condition)]]
    body.inputs, body.outputs = [*body.inputs, last[id(body)]], [*body.outputs, last[id(body)]]
    dense.inputs = [dense.inputs[0], last[id(body)], *dense.inputs[2:]]
    weights.buffer = 0


def without_operators(*names):
    """Return a change that leaves all operators of the builtin kinds *names* out, in every subgraph."""
    codes = {getattr(schema.BuiltinOperator, name) for name in names}

    def edit(model):
        for graph in model.subgraphs:
            graph.operators = [
                op for op in graph.operators if model.operatorCodes[op.opcodeIndex].builtinCode not in codes
            ]

    return edit


def swapping_inputs(name):
    """Return a change of every operator of the builtin kind *name*: its first two inputs change places."""
    code = getattr(schema.BuiltinOperator, name)

    def edit(model):
        for graph in model.subgraphs:
            for operator in graph.operators:
                if model.operatorCodes[operator.opcodeIndex].builtinCode == code:
                    operator.inputs = [operator.inputs[1], operator.inputs[0], *operator.inputs[2:]]

    return edit


def keeping_initial_state(model):
    """Leave the assignments of what is computed out: variables keep what an initialization gives them."""
    for graph in model.subgraphs:
        graph.operators = [
            op
            for op in graph.operators
            if model.operatorCodes[op.opcodeIndex].builtinCode != schema.BuiltinOperator.ASSIGN_VARIABLE
            or model.buffers[graph.tensors[op.inputs[1]].buffer].data is not None
        ]


def storing_four_bits(model):
    """Store the largest constant as int4 without a scale of its own, as quantization by blocks does."""
    tensor = constants(model)[0]
    tensor.type = schema.TensorType.INT4
    model.buffers[tensor.buffer].data = np.zeros(int(np.prod(tensor.shape)) // 2, np.uint8)


def storing_a_copy(model):
    """Store the largest constant once more, in float32, where nothing uses it."""
    tensor = constants(model)[0]
    stored = copy.copy(tensor)
    stored.type, stored.buffer = schema.TensorType.FLOAT32, len(model.buffers)
    model.buffers.append(schema.BufferT(values(model, tensor).astype(np.float32).view(np.uint8)))
    model.subgraphs[0].tensors.append(stored)


def behind(model):
    """Return the file of *model* with its constants behind the flatbuffer, as other producers write large ones."""
    stored = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    outside = {number: model.buffers[number].data for number in stored if model.buffers[number].data is not None}
    for number in outside:
        model.buffers[number] = schema.BufferT(offset=1, size=1)
    content = bytearray(flatbuffer_utils.convert_object_to_bytearray(model))
    here = len(content) + -len(content) % 16
    end = here
    for number, data in outside.items():
        model.buffers[number].offset, model.buffers[number].size = end, len(data)
        end += len(data) + -len(data) % 16
    content = bytearray(flatbuffer_utils.convert_object_to_bytearray(model))
    content += bytes(here - len(content))
    for data in outside.values():
        content += bytes(data) + bytes(-len(data) % 16)
    return bytes(content)


def in_turn(*changes):
    """Return the change that makes *changes* one after the other."""

    def edit(model):
        for change in changes:
            change(model)

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


def adding_a_class(model):
    """Have the graph and its signature give the place of the largest of the first output, an integer, too."""
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    model.operatorCodes.append(schema.OperatorCodeT(builtinCode=schema.BuiltinOperator.ARG_MAX, version=1))
    model.buffers.append(schema.BufferT(data=np.array([1], np.int32).view(np.uint8)))
    integers = {"type": schema.TensorType.INT32, "shape": [1], "shapeSignature": [1], "hasRank": True}
    axis = schema.TensorT(**integers, name=b"axis", buffer=len(model.buffers) - 1)
    number = len(graph.tensors) + 1
    graph.tensors += [axis, schema.TensorT(**integers, name=b"class")]
    graph.operators.append(
        schema.OperatorT(
            opcodeIndex=len(model.operatorCodes) - 1,
            inputs=[int(graph.outputs[0]), number - 1],
            outputs=[number],
            builtinOptionsType=schema.BuiltinOptions.ArgMaxOptions,
            builtinOptions=schema.ArgMaxOptionsT(outputType=schema.TensorType.INT32),
        )
    )
    graph.outputs = [*graph.outputs, number]
    signature.outputs.append(schema.TensorMapT(name=b"class", tensorIndex=number))


def adding_a_signature(model):
    """Give the graph a second entry point."""
    model.signatureDefs.append(copy.copy(model.signatureDefs[0]))
    model.signatureDefs[-1].signatureKey = b"other"


def adding_a_graph(model):
    """Give the file a second entry point, with a graph of its own that shares the constants of the first."""
    adding_a_signature(model)
    model.signatureDefs[-1].subgraphIndex = len(model.subgraphs)
    model.subgraphs.append(copy.deepcopy(model.subgraphs[0]))


def lengthening_names(model):
    """Give every tensor a name that is longer than most weights."""
    for tensor in model.subgraphs[0].tensors:
        tensor.name += b"/deeper" * 200


def sharing_a_buffer(model):
    """Have the constants of equal size, whose values are not looked at, share one buffer, as converters do."""
    one, other = (tensor for tensor in constants(model) if list(tensor.shape) == [3])
    other.buffer = one.buffer


def stored_outside(model, size=None):
    """Return the file of *model* with its values behind the flatbuffer, as converters write files of over 2 GB.

    Where a *size* in bytes is given, the largest value is that long, and what follows the flatbuffer is left out: a
    file that is lengthened to the second result has zeros there.
    """
    held = [(buffer, bytes(buffer.data)) for buffer in model.buffers if buffer.data is not None and len(buffer.data)]
    held.sort(key=lambda pair: len(pair[1]))
    for buffer, _ in held:
        buffer.data, buffer.offset, buffer.size = (
            None,
            1 << 40,
            1 << 40,
        )  # numbers that are written down, for the length
    end = len(flatbuffer_utils.convert_object_to_bytearray(model))
    for buffer, values in held:
        buffer.offset = end + -end % 16
        buffer.size = size if size and values is held[-1][1] else len(values)
        end = buffer.offset + buffer.size
    file = flatbuffer_utils.convert_object_to_bytearray(model)
    if size is None:
        for buffer, values in held:
            file += bytes(buffer.offset - len(file)) + values
    return bytes(file), end


def _operators(model, name):
    code = getattr(schema.BuiltinOperator, name)
    return [op for op in model.subgraphs[0].operators if model.operatorCodes[op.opcodeIndex].builtinCode == code]
