"""Writes what the benchmark needs besides the package: the graphs for onnxruntime-web, and token ids.

prepare.py MODEL TEXTS OUT makes

    OUT/fused.onnx     the graph after ONNX Runtime's optimizer for transformers
    OUT/int8.onnx      the same with ONNX Runtime's dynamic quantisation
    OUT/texts.json     the first 256 different lines of TEXTS, with the ids of Hugging Face's tokenizer
"""

import json
import pathlib
import sys

from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoTokenizer

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "peers"))
import export  # noqa: E402

TEXTS = 256
FLOAT = 1  # onnx.TensorProto.FLOAT: the type of what the fused operators leave untyped


def main():
    model, texts, out = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    config = export.plain(model, str(out / "plain.onnx"))
    export.fused(config, str(out / "plain.onnx"), str(out / "fused.onnx"))
    quantize_dynamic(
        out / "fused.onnx",
        out / "int8.onnx",
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": FLOAT},
    )
    (out / "plain.onnx").unlink()
    lines = list(dict.fromkeys(line for line in texts.read_text().splitlines() if line))[:TEXTS]
    ids = AutoTokenizer.from_pretrained(model)(lines, truncation=True, max_length=256)["input_ids"]
    made = [{"text": text, "ids": ids} for text, ids in zip(lines, ids)]
    (out / "texts.json").write_text(json.dumps(made))


if __name__ == "__main__":
    main()
