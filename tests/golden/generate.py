"""Writes the golden files: what PyTorch computes for the texts of `texts.py`.

    python tests/golden/generate.py

Every text goes through the model alone, without padding, on one thread, with eager attention. The model
runs twice: in float32, as its users run it, and in float64, which stands in for the exact answer.
`README.md` lists the files and the names of the tensors; `check.py` tests what is claimed about them.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import safetensors.torch
import sentence_transformers
import tokenizers
import torch
import transformers
from sentence_transformers.sentence_transformer.modules import Pooling
from torch.nn.functional import normalize

import texts

HERE = Path(__file__).resolve().parent
MODEL = HERE.parents[1] / "weights" / "all-MiniLM-L6-v2"

Tensors = dict[str, torch.Tensor]
Encode = Callable[[str], list[int]]


def load_tokenizer() -> Encode:
    """Text to token ids with [CLS] and [SEP], cut to the model's length.

    tokenizer.json asks for truncation to 128 and padding to 128. sentence-transformers obeys neither, and
    takes the length, 256, from sentence_bert_config.json.
    """
    length = json.loads((MODEL / "sentence_bert_config.json").read_text())["max_seq_length"]
    tokenizer = tokenizers.Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    tokenizer.enable_truncation(length)
    tokenizer.no_padding()
    return lambda text: tokenizer.encode(text).ids


def load_model(dtype: torch.dtype) -> transformers.BertModel:
    """The encoder with its published float32 weights, converted to `dtype`."""
    model = transformers.BertModel.from_pretrained(MODEL, dtype=torch.float32, attn_implementation="eager")
    return model.to(dtype).eval()


def run(model: transformers.BertModel, ids: list[int]) -> torch.Tensor:
    """The last hidden state, [T, 384], of one text."""
    row = torch.tensor([ids])
    output = model(input_ids=row, attention_mask=torch.ones_like(row), token_type_ids=torch.zeros_like(row))
    return output.last_hidden_state[0]


def pool(tokens: torch.Tensor) -> torch.Tensor:
    """[T, 384] -> [384]: the mean over all tokens, [CLS] and [SEP] included."""
    return tokens.sum(dim=0) / len(tokens)


def sentence_embedding(pooled: torch.Tensor) -> torch.Tensor:
    """[384] -> [384]: divided by its L2 norm, or by 1e-12 if that is larger."""
    return normalize(pooled, p=2, dim=-1, eps=1e-12)


def stage_names(layers: int) -> list[str]:
    """Module paths of the encoder whose outputs are stored, in the order in which they run."""
    parts = ["attention.self", "attention.output", "intermediate", "output"]
    return ["embeddings"] + [f"encoder.layer.{n}.{part}" for n in range(layers) for part in parts]


@contextmanager
def record_stages(model: transformers.BertModel) -> Iterator[Tensors]:
    """While open, the dictionary it yields receives each stage's output, [T, width], at every run of the model."""
    outputs: Tensors = {}

    def hook_for(name: str) -> Callable[..., None]:
        def hook(_module: torch.nn.Module, _inputs: tuple, output: torch.Tensor | tuple) -> None:
            # The attention module returns (context, weights), every other module a tensor.
            context = output[0] if isinstance(output, tuple) else output
            outputs[name] = context[0]

        return hook

    hooks = [
        model.get_submodule(name).register_forward_hook(hook_for(name))
        for name in stage_names(model.config.num_hidden_layers)
    ]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


def stored_rows(tokens: int) -> list[int]:
    """All rows of a short text; of a longer one four, evenly spread from the first to the last."""
    return list(range(tokens)) if tokens <= 4 else [i * (tokens - 1) // 3 for i in range(4)]


def stages_of(model: transformers.BertModel, ids: list[int]) -> Tensors:
    """Every stage's stored rows as F32, and the two whole-text vectors in the model's own type."""
    with record_stages(model) as outputs:
        pooled = pool(run(model, ids))
    rows = stored_rows(len(ids))
    stages = {name: output[rows].float() for name, output in outputs.items()}
    return stages | {"pooled": pooled, "sentence_embedding": sentence_embedding(pooled)}


def write_stages(encode: Encode, models: dict[str, transformers.BertModel]) -> None:
    """stages.json and stages.safetensors: a dozen texts, every step of the way."""
    listing, tensors = [], {}
    for i, text in enumerate(texts.STAGES):
        ids = encode(text)
        listing.append({"text": text, "ids": ids, "rows": stored_rows(len(ids))})
        for precision, model in models.items():
            stages = stages_of(model, ids)
            tensors |= {f"{precision}.{i:02}.{name}": tensor for name, tensor in stages.items()}
    write_json("stages.json", listing)
    write_tensors("stages.safetensors", tensors)


def write_embeddings(encode: Encode, models: dict[str, transformers.BertModel]) -> None:
    """texts.json and embeddings.safetensors: 300 texts, the final vectors only."""
    listing = [{"text": text, "ids": encode(text)} for text in texts.ALL]
    tensors = {
        f"{precision}.sentence_embedding": torch.stack(
            [sentence_embedding(pool(run(model, entry["ids"]))) for entry in listing]
        )
        for precision, model in models.items()
    }
    write_json("texts.json", listing)
    write_tensors("embeddings.safetensors", tensors)


def pooled_by(mode: str | tuple[str, ...], tokens: torch.Tensor) -> torch.Tensor:
    """[T, 384] -> [384] for one mode, [384 * modes] for several, by the sentence-transformers module."""
    features = {"token_embeddings": tokens[None], "attention_mask": torch.ones(1, len(tokens), dtype=torch.int64)}
    return Pooling(tokens.shape[-1], mode)(features)["sentence_embedding"][0]


def similarities(vectors: torch.Tensor) -> Tensors:
    """[n, 384] -> four [n, n] matrices, of every vector with every other and itself."""
    names = ["cos_sim", "dot_score", "euclidean_sim", "manhattan_sim"]
    return {name: getattr(sentence_transformers.util, name)(vectors, vectors) for name in names}


def write_pooling(encode: Encode, model: transformers.BertModel) -> None:
    """pooling.json and pooling.safetensors: every pooling mode and similarity on three short texts."""
    modes = Pooling.POOLING_MODES
    listing, tensors, means = [], {}, []
    for i, text in enumerate(texts.POOLING):
        ids = encode(text)
        tokens = run(model, ids)
        pooled = {mode: pooled_by(mode, tokens) for mode in modes}
        means.append(pooled["mean"])
        listing.append({"text": text, "ids": ids})
        tensors |= {f"{i:02}.token_embeddings": tokens, f"{i:02}.all": pooled_by(modes, tokens)}
        tensors |= {f"{i:02}.{mode}": vector for mode, vector in pooled.items()}
    write_json("pooling.json", {"texts": listing, "all": modes})
    write_tensors("pooling.safetensors", tensors | similarities(torch.stack(means)))


def write_json(name: str, value: list | dict) -> None:
    """Escaped to ASCII, so that control characters survive; a list has one entry a line."""
    if isinstance(value, list):
        document = "[\n" + ",\n".join(json.dumps(entry) for entry in value) + "\n]"
    else:
        document = json.dumps(value)
    (HERE / name).write_text(document + "\n", encoding="ascii")


def write_tensors(name: str, tensors: Tensors) -> None:
    """The tensors, and under the single metadata key `made_with` (so that its order is fixed) what made them."""
    made_with = {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "sentence_transformers": sentence_transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "model_sha256": hashlib.sha256((MODEL / "model.safetensors").read_bytes()).hexdigest(),
    }
    contiguous = {key: tensor.contiguous() for key, tensor in tensors.items()}
    (HERE / name).write_bytes(safetensors.torch.save(contiguous, {"made_with": json.dumps(made_with)}))


def main() -> None:
    """Writes all six files."""
    torch.set_num_threads(1)
    encode = load_tokenizer()
    models = {"f32": load_model(torch.float32), "f64": load_model(torch.float64)}
    with torch.inference_mode():
        write_stages(encode, models)
        write_embeddings(encode, models)
        write_pooling(encode, models["f32"])


if __name__ == "__main__":
    main()
