"""Writes the model in the forms that the rivals read.

export.py MODEL GRAPHS makes

    plain.onnx      the graph as PyTorch exports it: for OpenVINO and rten, which fuse by themselves
    fused.onnx      the same after ONNX Runtime's optimizer for transformers: for ONNX Runtime and fastembed
    *-int8.onnx     both with weights and activations of eight bits: for rten, ONNX Runtime and fastembed
    ctranslate2/    for CTranslate2, which rounds on loading
"""

import pathlib
import shutil
import sys

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from transformers import AutoModel

INPUTS = ["input_ids", "attention_mask", "token_type_ids"]
OUTPUT = "last_hidden_state"


class HiddenState(torch.nn.Module):
    """BERT with nothing but the last hidden state [b, l, H] as its output."""

    def __init__(self, bert):
        super().__init__()
        self.bert = bert

    def forward(self, *tensors):
        return self.bert(**dict(zip(INPUTS, tensors))).last_hidden_state


def plain(model, path):
    # The optimizer knows attention that is spelt out, not PyTorch's fused one.
    bert = AutoModel.from_pretrained(model, attn_implementation="eager").eval()
    ids = torch.arange(1000, 1032).reshape(2, 16)
    axes = {name: {0: "batch", 1: "length"} for name in [*INPUTS, OUTPUT]}
    torch.onnx.export(
        HiddenState(bert),
        (ids, torch.ones_like(ids), torch.zeros_like(ids)),
        path,
        input_names=INPUTS,
        output_names=[OUTPUT],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )
    return bert.config


def fused(config, source, path):
    heads, width = config.num_attention_heads, config.hidden_size
    options = FusionOptions("bert")
    graph = optimizer.optimize_model(
        source, model_type="bert", num_heads=heads, hidden_size=width, optimization_options=options, opt_level=0
    )
    found = graph.get_fused_operator_statistics()
    wanted = {"Attention": config.num_hidden_layers, "EmbedLayerNormalization": 1}
    missing = [name for name, count in wanted.items() if found.get(name) != count]
    if missing:
        sys.exit(f"ONNX Runtime's optimizer did not fuse {', '.join(missing)}: it would be measured below its worth ({found})")
    graph.save_model_to_file(path)


def rounded(source, path):
    """Weights with a scale for each column; activations get their scale when the graph runs."""
    # Shapes are not inferred through fused operators, so the type between them has to be given.
    options = {"DefaultTensorType": onnx.TensorProto.FLOAT}
    quantize_dynamic(source, path, per_channel=True, weight_type=QuantType.QInt8, extra_options=options)


def main():
    model, graphs = sys.argv[1], pathlib.Path(sys.argv[2])
    graphs.mkdir(parents=True, exist_ok=True)
    config = plain(model, str(graphs / "plain.onnx"))
    fused(config, str(graphs / "plain.onnx"), str(graphs / "fused.onnx"))
    for name in ["plain", "fused"]:
        rounded(graphs / f"{name}.onnx", graphs / f"{name}-int8.onnx")
    import ctranslate2  # only here: others import the functions above

    shutil.rmtree(graphs / "ctranslate2", ignore_errors=True)
    ctranslate2.converters.TransformersConverter(model).convert(str(graphs / "ctranslate2"))


if __name__ == "__main__":
    main()
