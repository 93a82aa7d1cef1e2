"""Every keyword beside sentence-transformers, on the same texts.

It runs where sentence-transformers is installed. Shapes, dtypes and order are the same, and values
differ by at most 5e-7, which is the rounding of f32.
"""

import inspect

import numpy as np
import pytest
from conftest import MODEL, TEXTS

pytest.importorskip("sentence_transformers")
import minilm
import torch
from minilm import evaluation, util

BOUND = 5e-7


@pytest.fixture(scope="module")
def original():
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(MODEL, device="cpu")


def arrays(value):
    """The arrays of a result, and its form."""
    if isinstance(value, torch.Tensor):
        return [value.numpy()], ("tensor", tuple(value.shape), value.dtype)
    if isinstance(value, np.ndarray):
        return [value], ("array", value.shape, value.dtype)
    if isinstance(value, list):
        parts = [arrays(item) for item in value]
        return [array for part, _ in parts for array in part], [
            "list",
            *[form for _, form in parts],
        ]
    raise TypeError(type(value))


CASES = {
    "nothing": {},
    "prompt": {"prompt": "query: "},
    "prompt_name": {"prompt_name": "query"},
    "batch_size": {"batch_size": 2},
    "chunk_size": {"chunk_size": 3},
    "pool": {"pool": None},
    "show_progress_bar": {"show_progress_bar": True},
    "precision float32": {"precision": "float32"},
    "convert_to_numpy": {"convert_to_numpy": False},
    "convert_to_tensor": {"convert_to_tensor": True},
    "device": {"device": "cpu"},
    "precision": {"precision": None},
    "task": {"task": "query"},
    "normalize_embeddings": {"normalize_embeddings": True},
    "truncate_dim": {"truncate_dim": 100},
    "truncate_dim, normalised": {"truncate_dim": 100, "normalize_embeddings": True},
    "truncate_dim, too many": {"truncate_dim": 1000},
    "tensor, cut": {"convert_to_tensor": True, "truncate_dim": 16},
}


@pytest.mark.parametrize(
    "inputs",
    [TEXTS, TEXTS[0], "", tuple(TEXTS), np.array(TEXTS), []],
    ids=["list", "str", "empty str", "tuple", "array", "no text"],
)
@pytest.mark.parametrize("case", CASES)
def test_encode(original, model, case, inputs):
    wanted, form = arrays(original.encode(inputs, **CASES[case]))
    found, own = arrays(model.encode(inputs, **CASES[case]))
    assert own == form
    for a, b in zip(found, wanted):
        assert np.abs(a - b).max(initial=0) <= BOUND


@pytest.mark.parametrize("precision", ["int8", "uint8", "binary", "ubinary"])
def test_precision(original, model, precision):
    """A value on the edge of two levels may fall on either side."""
    texts = [f"text number {i} of some hundred" for i in range(120)]
    wanted = original.encode(texts, precision=precision)
    found = model.encode(texts, precision=precision)
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    differ = found != wanted
    assert differ.mean() < 1e-3
    if "int8" in precision:
        assert np.abs(found.astype(int) - wanted.astype(int)).max() <= 1


@pytest.mark.parametrize("options", [{}, {"convert_to_tensor": True}, {"convert_to_numpy": False}])
@pytest.mark.parametrize("precision", ["int8", "uint8", "binary", "ubinary"])
@pytest.mark.parametrize("inputs", [TEXTS, TEXTS[:1], TEXTS[0], []], ids=len)
def test_the_form_of_a_quantised_result(original, model, precision, options, inputs):
    """Arrays or tensors; a single embedding has no range of values, and is refused by both."""
    if len(inputs) in (1, len(TEXTS[0])) and "int8" in precision:
        for one in (original, model):
            with pytest.raises(ValueError, match="embedding"):
                one.encode(inputs, precision=precision, **options)
        return
    _, form = arrays(original.encode(inputs, precision=precision, **options))
    assert arrays(model.encode(inputs, precision=precision, **options))[1] == form


#: Parameters of the original that minilm has not, by the function or class.
ABSENT = {
    # The rest is handed to encode() as it is.
    "encode_query": "batch_size show_progress_bar output_value precision convert_to_numpy "
    "convert_to_tensor device normalize_embeddings truncate_dim pool chunk_size",
    "encode_multi_process": "precision normalize_embeddings truncate_dim",
    "save_pretrained": "model_name create_model_card train_datasets safe_serialization",
    "to": "args",
    "TripletEvaluator": "main_distance_function",
}
ABSENT["encode_document"], ABSENT["save"] = ABSENT["encode_query"], ABSENT["save_pretrained"]


def pairs_of_functions():
    from sentence_transformers import SentenceTransformer
    from sentence_transformers import util as their_util
    from sentence_transformers.sentence_transformer import evaluation as their_evaluation

    mine = minilm.SentenceTransformer
    shared = [name for name in dir(mine) if name[0] != "_" and hasattr(SentenceTransformer, name)]
    for name in ["__init__", *shared]:
        if inspect.isfunction(getattr(mine, name)):
            yield name, getattr(SentenceTransformer, name), getattr(mine, name)
    for name in util.__all__:
        if inspect.isfunction(getattr(their_util, name, None)):
            yield name, getattr(their_util, name), getattr(util, name)
    for name in evaluation.__all__:
        yield name, getattr(their_evaluation, name), getattr(evaluation, name)


@pytest.mark.parametrize(("name", "theirs", "ours"), list(pairs_of_functions()))
def test_parameters_have_the_originals_names_order_and_defaults(name, theirs, ours):
    def parameters(function):
        return [one for one in inspect.signature(function).parameters.values()]

    absent = ABSENT.get(name, "").split()
    wanted = [one for one in parameters(theirs) if one.name not in absent]
    found = {one.name: one for one in parameters(ours)}
    assert [one.name for one in wanted] == [
        name for name in found if name in inspect.signature(theirs).parameters
    ]
    for one in wanted:
        default = found[one.name].default
        if isinstance(one.default, (bool, int, float, str, type(None))):
            assert default == one.default, one.name
        assert one.kind == found[one.name].kind or one.name in ("args", "kwargs")


def test_arguments_by_position(original, model):
    arguments = (None, "q: ", 2, False, "sentence_embedding", "float32", True, True)
    for method in ("encode", "encode_query", "encode_document"):
        wanted, found = (getattr(one, method)(TEXTS, *arguments) for one in (original, model))
        assert isinstance(found, torch.Tensor)
        assert np.abs(found.numpy() - wanted.numpy()).max() <= BOUND
    pool = model.start_multi_process_pool(["cpu", "cpu"])
    found = model.encode_multi_process(TEXTS, pool, None, "q: ", 2, 3, False, truncate_dim=9)
    assert np.abs(found - original.encode(TEXTS, prompt="q: ", truncate_dim=9)).max() <= BOUND
    model.stop_multi_process_pool(pool)


@pytest.mark.parametrize("prompt", ["a query: ", ""])
@pytest.mark.parametrize("method", ["encode_query", "encode_document"])
def test_queries_and_documents(original, method, prompt):
    from sentence_transformers import SentenceTransformer

    prompts = {"query": prompt, "document": prompt * 2, "passage": "unused: "}
    wanted = getattr(SentenceTransformer(MODEL, device="cpu", prompts=prompts), method)(TEXTS)
    found = getattr(minilm.SentenceTransformer(MODEL, prompts=prompts), method)(TEXTS)
    assert np.abs(found - wanted).max() <= BOUND


def test_token_embeddings(original, model):
    wanted = original.encode(TEXTS, output_value="token_embeddings")
    found = model.encode(TEXTS, output_value="token_embeddings")
    assert [array.shape for array in found] == [tuple(tensor.shape) for tensor in wanted]
    for a, b in zip(found, wanted):
        assert np.abs(a - b.numpy()).max() <= 2e-5, "they are of length 6 or so, not 1"
    as_tensors = model.encode(TEXTS, output_value="token_embeddings", convert_to_tensor=True)
    assert all(isinstance(tensor, torch.Tensor) for tensor in as_tensors)


def test_everything_of_a_text(original, model):
    wanted = original.encode(TEXTS[0], output_value=None)
    found = model.encode(TEXTS[0], output_value=None)
    assert set(found) <= set(wanted)
    for name in ("input_ids", "attention_mask", "token_type_ids"):
        assert np.array_equal(found[name], wanted[name].numpy()), name
    assert np.abs(found["sentence_embedding"] - wanted["sentence_embedding"].numpy()).max() <= BOUND
    options = {"output_value": None, "normalize_embeddings": True, "truncate_dim": 16}
    wanted, found = (one.encode(TEXTS, **options) for one in (original, model))
    for a, b in zip(found, wanted):
        assert np.abs(a["sentence_embedding"] - b["sentence_embedding"].numpy()).max() <= BOUND


def test_tokenize(original, model):
    for call in ("tokenize", "preprocess"):
        wanted, found = getattr(original, call)(TEXTS), getattr(model, call)(TEXTS)
        for name in found:
            assert np.array_equal(found[name], wanted[name].numpy()), name
    wanted, found = (one.preprocess(inputs=["a"], prompt="q: ") for one in (original, model))
    assert np.array_equal(found["input_ids"], wanted["input_ids"].numpy())
    assert model.preprocess([]) == original.preprocess([]) == {}


@pytest.mark.parametrize("length", [3, 17, 512])
def test_max_seq_length(original, length):
    model = minilm.SentenceTransformer(MODEL)
    assert model.max_seq_length == original.max_seq_length == 256
    before = original.max_seq_length
    original.max_seq_length = model.max_seq_length = length
    try:
        assert np.abs(model.encode(TEXTS) - original.encode(TEXTS)).max() <= BOUND
    finally:
        original.max_seq_length = before


@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean", "manhattan"])
def test_similarity(original, model, embeddings, name):
    for one in (original, model):
        one.similarity_fn_name = name
    try:
        wanted = original.similarity(embeddings, embeddings).numpy()
        found = model.similarity(embeddings, embeddings)
        # Sums of 384 products or differences in f32, in another order. The original's Euclidean
        # distance of two equal vectors is the root of a rounded difference.
        bound = 1e-3 if name == "euclidean" else 384 * np.finfo(np.float32).eps / 2
        assert found.dtype == wanted.dtype
        assert (np.abs(found - wanted) <= bound * np.maximum(1, np.abs(wanted))).all()
        wanted = original.similarity_pairwise(embeddings[:4], embeddings[4:]).numpy()
        found = model.similarity_pairwise(embeddings[:4], embeddings[4:])
        assert np.abs(found - wanted).max() <= 1e-5
    finally:
        original.similarity_fn_name = model.similarity_fn_name = None


def test_attributes(original, model):
    assert model.get_embedding_dimension() == original.get_embedding_dimension()
    assert model.get_max_seq_length() == original.get_max_seq_length()
    assert dict(model.prompts) == dict(original.prompts)
    assert model.default_prompt_name == original.default_prompt_name
    assert str(model.device) == str(original.device)
    assert model.similarity_fn_name == original.similarity_fn_name
    with original.truncate_embeddings(9), model.truncate_embeddings(9):
        assert model.get_embedding_dimension() == original.get_embedding_dimension() == 9
        assert model.encode("a").shape == original.encode("a").shape


@pytest.mark.parametrize("kind", ["array", "tensor", "list"])
def test_util(embeddings, kind):
    from sentence_transformers import util as theirs

    rows = {"array": embeddings, "tensor": torch.from_numpy(embeddings), "list": list(embeddings)}[
        kind
    ]
    for hits, wanted in zip(
        util.semantic_search(rows, rows, top_k=3), theirs.semantic_search(rows, rows, top_k=3)
    ):
        assert np.allclose(
            [hit["score"] for hit in hits], [hit["score"] for hit in wanted], atol=1e-6
        )
        assert set(hits[0]) == set(wanted[0])
    mined = util.paraphrase_mining_embeddings(rows, max_pairs=10)
    wanted = theirs.paraphrase_mining_embeddings(torch.from_numpy(embeddings), max_pairs=10)
    assert np.allclose([pair[0] for pair in mined], [pair[0] for pair in wanted], atol=1e-6)
    assert [pair[1:] for pair in mined[:3]] == [pair[1:] for pair in wanted[:3]]
    assert util.community_detection(rows, 0.6, 2) == [
        list(map(int, group)) for group in theirs.community_detection(embeddings, 0.6, 2)
    ]
    for precision in ("int8", "uint8", "binary", "ubinary"):
        assert np.array_equal(
            util.quantize_embeddings(rows, precision),
            theirs.quantize_embeddings(embeddings, precision),
        )
    assert np.allclose(
        util.normalize_embeddings(rows), theirs.normalize_embeddings(torch.from_numpy(embeddings))
    )


PAIRS = (TEXTS[:4] + ["A cat sits.", "A dog runs."], TEXTS[2:6] + ["A cat rests.", "Rain."])


@pytest.mark.parametrize("names", [None, ["cosine", "dot", "euclidean", "manhattan"]])
def test_evaluators(original, model, names):
    from sentence_transformers.sentence_transformer import evaluation as theirs

    made = {
        "EmbeddingSimilarityEvaluator": (*PAIRS, [0.5, 0.1, 0.3, 0.2, 0.9, 0.0]),
        "BinaryClassificationEvaluator": (*PAIRS, [1, 0, 0, 0, 1, 0]),
        "TripletEvaluator": (PAIRS[0], PAIRS[1], TEXTS[:6]),
    }
    for name, data in made.items():
        own = getattr(evaluation, name)(*data, name="x", similarity_fn_names=names)
        their = getattr(theirs, name)(*data, name="x", similarity_fn_names=names, write_csv=False)
        found, wanted = own(model), their(original)
        assert own.primary_metric == their.primary_metric
        assert set(found) == set(wanted)
        for key in wanted:
            assert found[key] == pytest.approx(wanted[key], abs=1e-4), key


def test_retrieval_evaluators(original, model):
    from sentence_transformers import util as their_util
    from sentence_transformers.sentence_transformer import evaluation as theirs

    queries = {"q1": "Someone eats.", "q2": "the night sky", "q3": "no relevant document"}
    corpus = {str(i): text for i, text in enumerate(TEXTS)}
    relevant = {"q1": {"0", "2"}, "q2": {"3", "missing"}}
    own = evaluation.InformationRetrievalEvaluator(queries, corpus, relevant)
    their = theirs.InformationRetrievalEvaluator(queries, corpus, relevant, write_csv=False)
    found, wanted = own(model), their(original)
    assert own.primary_metric == their.primary_metric and set(found) == set(wanted)
    for key in wanted:
        assert found[key] == pytest.approx(wanted[key], abs=1e-6), key
    samples = [
        {"query": "Someone eats.", "positive": [TEXTS[0], TEXTS[2]], "negative": [TEXTS[3], "x"]},
        {"query": "night", "positive": [TEXTS[3]], "negative": [TEXTS[0], "a day"]},
    ]
    options = {
        "query_prompt": "q: ",
        "corpus_prompt": "d: ",
        "score_functions": {"cos": util.cos_sim, "dot": util.dot_score},
    }
    found = evaluation.InformationRetrievalEvaluator(queries, corpus, relevant, **options)(model)
    options["score_functions"] = {"cos": their_util.cos_sim, "dot": their_util.dot_score}
    their = theirs.InformationRetrievalEvaluator(
        queries, corpus, relevant, write_csv=False, **options
    )
    wanted = their(original)
    assert set(found) == set(wanted)
    for key in wanted:
        assert found[key] == pytest.approx(wanted[key], abs=1e-6), key
    own = evaluation.RerankingEvaluator(samples)
    their = theirs.RerankingEvaluator(samples, write_csv=False)
    found, wanted = own(model), their(original)
    assert own.primary_metric == their.primary_metric and set(found) == set(wanted)
    for key in wanted:
        assert found[key] == pytest.approx(wanted[key], abs=1e-6), key


def test_an_accelerated_model_is_what_it_was(original, embeddings):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(MODEL, device="cpu")
    assert minilm.accelerate(model) is model
    assert isinstance(model, SentenceTransformer)
    assert np.array_equal(model.encode(TEXTS), embeddings), "minilm's bits"
    tensor = model.encode(TEXTS, convert_to_tensor=True)
    assert isinstance(tensor, torch.Tensor)
    assert model.similarity(tensor, tensor).shape == (len(TEXTS), len(TEXTS))
    model.max_seq_length = 8
    model.prompts = {**model.prompts, "query": "q: "}
    assert np.array_equal(model.encode_query("a"), model.encode("q: a"))
    original.max_seq_length, before = 8, original.max_seq_length
    assert np.abs(model.encode(TEXTS) - original.encode(TEXTS)).max() <= BOUND
    original.max_seq_length = before
    with pytest.raises(ValueError, match="CPU only"):
        model.encode(TEXTS, device="cuda")
