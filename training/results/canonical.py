"""Write ONNX files so that the same network is the same file, whenever it was converted.

Converters name what they write by counters and by the layers' names, which differ from
one run of a program to the next. Here, names and order follow from the network alone.
"""

from pathlib import Path

import onnx


def make_canonical(file: Path) -> None:
    """Rename and reorder all that a network's file holds, but for the names of its inputs.

    A network with others inside, such as the body of a loop, or with other rarely used parts is
    left as it is.
    """
    model = onnx.load(file)
    graph = model.graph
    nested = any(a.HasField("g") or a.graphs for node in graph.node for a in node.attribute)
    given = {tensor.name for tensor in graph.input}
    preset = any(weight.name in given for weight in graph.initializer)
    if nested or preset or graph.sparse_initializer or model.functions:
        return
    canonical = onnx.ModelProto()
    canonical.CopyFrom(model)
    canonical.doc_string = ""
    del canonical.metadata_props[:]
    canonical.graph.CopyFrom(_canonical_graph(model.graph))
    file.write_bytes(canonical.SerializeToString(deterministic=True))


def _canonical_graph(graph: onnx.GraphProto) -> onnx.GraphProto:
    """Return a graph in the order in which its outputs need its parts."""
    makers = {name: node for node in graph.node for name in node.output if name}
    weights = {weight.name: weight for weight in graph.initializer}
    # A part that is left out stays without a name.
    names: dict[str, str] = {"": "", **{tensor.name: tensor.name for tensor in graph.input}}
    ordered = onnx.GraphProto(name="network", input=map(_unnamed_sizes, graph.input))

    def place(tensor: str) -> str:
        """Put a tensor, and before it all that it comes from, in order; return its new name."""
        if tensor in names:
            return names[tensor]
        if tensor in weights:
            names[tensor] = f"weight_{len(ordered.initializer)}"
            weight = ordered.initializer.add()
            weight.CopyFrom(weights[tensor])
            weight.name, weight.doc_string = names[tensor], ""
            return names[tensor]
        maker = makers[tensor]
        inputs = [place(name) for name in maker.input]
        number = len(ordered.node)
        for place_in_node, name in enumerate(maker.output):
            names[name] = f"tensor_{number}_{place_in_node}" if name else ""
        ordered.node.add(
            op_type=maker.op_type,
            domain=maker.domain,
            input=inputs,
            output=[names[name] for name in maker.output],
            attribute=sorted(maker.attribute, key=lambda attribute: attribute.name),
        )
        return names[tensor]

    for output in graph.output:
        renamed = ordered.output.add()
        renamed.CopyFrom(_unnamed_sizes(output))
        renamed.name = place(output.name)
    return ordered


def _unnamed_sizes(tensor: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
    """Return a tensor's description without the names of sizes that are not fixed."""
    described = onnx.ValueInfoProto()
    described.CopyFrom(tensor)
    for size in described.type.tensor_type.shape.dim:
        size.ClearField("dim_param")
    return described
