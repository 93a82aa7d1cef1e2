"""Input that is no text: what the original does, or a clear exception; never a crash."""

import numpy as np
import pytest
from conftest import MODEL, TEXTS
from minilm import SentenceTransformer, evaluation, util


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (None, "not a NoneType"),
        (7, "not a int"),
        (1.5, "not a float"),
        (b"bytes", "not a bytes"),
        ({"a": "b"}, "not a dict"),
        ({"a"}, "not a set"),
        (np.array("a"), "not a ndarray"),
        (object(), "not a object"),
        ((text for text in TEXTS), r"not a generator; make a list of it with list\(\)"),
        (iter(TEXTS), r"list\(\)"),
    ],
)
def test_what_is_not_a_list_of_texts_is_a_type_error(model, inputs, message):
    with pytest.raises(TypeError, match=message):
        model.encode(inputs)


@pytest.mark.parametrize(
    ("item", "kind"),
    [(None, "NoneType"), (3, "int"), (b"b", "bytes"), (["a"], "list"), (("a", "b"), "tuple")],
)
def test_a_wrong_item_is_named_with_its_place(model, item, kind):
    with pytest.raises(TypeError, match=f"text 2 is a {kind}, not a str"):
        model.encode(["a", "b", item, "c"])


def test_a_missing_value_of_a_column_is_named(model):
    with pytest.raises(TypeError, match="text 1 is a float"):
        model.encode(np.array(["a", float("nan")], dtype=object))


@pytest.mark.parametrize("text", ["a\ud800", "\udfff", "\udc80 in a file name"])
def test_a_lone_surrogate_is_an_error(model, text):
    with pytest.raises(ValueError, match="text 1 is not Unicode text"):
        model.encode(["fine", text])


def test_a_lone_str_is_one_text(model):
    assert model.encode("text").shape == (384,)
    assert model.encode("").shape == (384,)


def test_subclasses_of_str_are_texts(model, embeddings):
    class Text(str):
        pass

    found = model.encode([Text(text) for text in TEXTS])
    assert np.array_equal(found, embeddings)
    assert np.array_equal(model.encode(np.str_(TEXTS[0])), embeddings[0])


def test_tuples_and_arrays_are_many_texts(model, embeddings):
    assert np.array_equal(model.encode(tuple(TEXTS)), embeddings)
    assert np.array_equal(model.encode(np.array(TEXTS)), embeddings)
    assert np.array_equal(model.encode(np.array(TEXTS, dtype=object)), embeddings)
    with pytest.raises(TypeError, match="text 0 is a bytes"):
        model.encode(np.array([b"a"]))
    with pytest.raises(TypeError, match="text 0 is a int"):
        model.encode(np.array([1, 2]))


def test_columns_of_other_libraries_are_many_texts(model, embeddings):
    for name in ("pandas", "polars"):
        library = pytest.importorskip(name)
        assert np.array_equal(model.encode(library.Series(TEXTS)), embeddings)
    arrow = pytest.importorskip("pyarrow")
    assert np.array_equal(model.encode(arrow.array(TEXTS)), embeddings)


def test_a_million_texts_are_one_list(model):
    words = ["one", "two", "three", "four"]
    found = model.encode([words[i % 4] for i in range(1_000_000)], truncate_dim=8)
    assert found.shape == (1_000_000, 8)
    assert np.array_equal(found[:4], model.encode(words, truncate_dim=8))
    assert np.array_equal(found[-4:], found[:4])


def test_long_and_strange_texts(model):
    long = ["a" * 1_000_000, "é" * 10_000, "🙂" * 5_000]
    strange = ["\0", "\n\t ", *long, "\u202e\ufeff", "[SEP]"]
    assert np.isfinite(model.encode(strange)).all()


def test_a_list_that_changes_does_no_harm(model):
    texts = [f"text {i}" for i in range(2000)]
    expected = model.encode(texts)
    found = model._encoder.encode(texts, progress=lambda done: texts.clear())
    assert texts == [] and np.array_equal(found, expected)


def test_arguments_that_would_be_ignored_are_refused_or_logged(model, caplog):
    for value in ("token_embeddings", None):
        with pytest.raises(ValueError, match="precision='int8': the vectors of output_value"):
            model.encode(TEXTS, output_value=value, precision="int8")
    with pytest.raises(ValueError, match="output_value: there is no 'rows'"):
        model.encode(TEXTS, output_value="rows")
    with pytest.warns(FutureWarning), pytest.raises(ValueError, match="give the token only"):
        SentenceTransformer(MODEL, token="a", use_auth_token="b")
    assert np.array_equal(model.encode("a", prompt="q: ", prompt_name="x"), model.encode("q: a"))
    assert "prompt_name is not used" in caplog.text
    assert SentenceTransformer(MODEL, prompts={"query": None}).prompts["query"] == ""
    evaluator = evaluation.EmbeddingSimilarityEvaluator(["a", "b"], ["b", "c"], [0, 1])
    with pytest.raises(ValueError, match="output_path='x'"):
        evaluator(model, output_path="x")
    assert model.evaluate(evaluator) == evaluator(model)
    with pytest.raises(ValueError, match="write_predictions"):
        evaluation.InformationRetrievalEvaluator({}, {}, {}, write_predictions=True)
    with pytest.raises(ValueError, match="precision='int8'"):
        evaluation.EmbeddingSimilarityEvaluator(["a"], ["b"], [0], precision="int8")


def test_a_matrix_of_scores_that_no_memory_holds_is_a_memory_error():
    rows = np.ones((8_000_000, 1), np.float32)  # more scores than 47 bits of address reach
    for similarity in (util.cos_sim, util.dot_score, util.euclidean_sim):
        with pytest.raises(MemoryError, match="no memory for 8000000 × 8000000 scores"):
            similarity(rows, rows)
