"""Adapters to other packages, each where that package is installed."""

import numpy as np
import pytest
from conftest import MODEL, TEXTS


def test_langchain(embeddings):
    pytest.importorskip("langchain_core")
    from langchain_core.vectorstores import InMemoryVectorStore

    from minilm.langchain import MiniLMEmbeddings

    adapter = MiniLMEmbeddings(MODEL)
    assert np.array_equal(np.float32(adapter.embed_documents(TEXTS)), embeddings)
    assert np.array_equal(np.float32(adapter.embed_query(TEXTS[0])), embeddings[0])
    assert adapter.embed_documents([]) == []
    store = InMemoryVectorStore.from_texts(TEXTS[2:4], adapter)
    assert store.similarity_search("stars at night", k=1)[0].page_content == TEXTS[3]


def test_llama_index(embeddings):
    pytest.importorskip("llama_index.core")
    from llama_index.core import Document, VectorStoreIndex

    from minilm.llama_index import MiniLMEmbedding

    adapter = MiniLMEmbedding(MODEL)
    assert np.array_equal(np.float32(adapter.get_text_embedding_batch(TEXTS[2:])), embeddings[2:])
    assert np.array_equal(np.float32(adapter.get_query_embedding(TEXTS[0])), embeddings[0])
    documents = [Document(text=text) for text in TEXTS[2:4]]
    index = VectorStoreIndex.from_documents(documents, embed_model=adapter)
    found = index.as_retriever(similarity_top_k=1).retrieve("stars at night")
    assert found[0].node.get_content() == TEXTS[3]


def test_llama_index_waits_without_blocking(embeddings):
    pytest.importorskip("llama_index.core")
    import asyncio

    from minilm.llama_index import MiniLMEmbedding

    adapter = MiniLMEmbedding(MODEL)
    found = asyncio.run(adapter.aget_query_embedding(TEXTS[0]))
    assert np.array_equal(np.float32(found), embeddings[0])


def test_chroma(embeddings):
    chromadb = pytest.importorskip("chromadb")
    from minilm.chroma import MiniLMEmbeddingFunction

    function = MiniLMEmbeddingFunction(MODEL)
    assert np.array_equal(np.stack(function(TEXTS)), embeddings)
    copy = MiniLMEmbeddingFunction.build_from_config(function.get_config())
    assert np.array_equal(np.stack(copy(TEXTS[:1])), embeddings[:1])
    client = chromadb.EphemeralClient()
    collection = client.create_collection("texts", embedding_function=function)
    collection.add(ids=["a", "b"], documents=TEXTS[2:4])
    found = collection.query(query_texts=["stars at night"], n_results=1)
    assert found["ids"] == [["b"]]
    stored = client.get_collection("texts", embedding_function=function)
    assert stored.count() == 2


def test_haystack(embeddings):
    haystack = pytest.importorskip("haystack")
    from haystack.components.retrievers import InMemoryEmbeddingRetriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    from minilm.haystack import MiniLMDocumentEmbedder, MiniLMTextEmbedder

    documents = [haystack.Document(content=text) for text in TEXTS]
    found = MiniLMDocumentEmbedder(MODEL).run(documents)["documents"]
    assert np.array_equal(np.float32([d.embedding for d in found]), embeddings)
    assert documents[0].embedding is None, "the caller's documents stay as they are"
    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    store.write_documents(found[2:4])
    pipeline = haystack.Pipeline()
    pipeline.add_component("embedder", MiniLMTextEmbedder(MODEL))
    pipeline.add_component("retriever", InMemoryEmbeddingRetriever(store, top_k=1))
    pipeline.connect("embedder.embedding", "retriever.query_embedding")
    haystack.core.serialization.allow_deserialization_module("minilm.haystack")
    copy = haystack.Pipeline.from_dict(pipeline.to_dict())
    for one in (pipeline, copy):
        answer = one.run({"embedder": {"text": "stars at night"}})
        assert answer["retriever"]["documents"][0].content == TEXTS[3]


def test_keybert():
    pytest.importorskip("sentence_transformers")
    keybert = pytest.importorskip("keybert")
    from sentence_transformers import SentenceTransformer

    import minilm

    text = "Embeddings of sentences are vectors. Similar sentences have similar vectors."
    wanted = keybert.KeyBERT(SentenceTransformer(MODEL, device="cpu")).extract_keywords(text)
    model = minilm.accelerate(SentenceTransformer(MODEL, device="cpu"))
    found = keybert.KeyBERT(model).extract_keywords(text)
    assert [word for word, _ in found] == [word for word, _ in wanted]
    assert np.allclose([score for _, score in found], [score for _, score in wanted], atol=1e-4)


def test_bertopic():
    pytest.importorskip("sentence_transformers")
    bertopic = pytest.importorskip("bertopic")
    from sentence_transformers import SentenceTransformer
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    import minilm

    kinds = ["a cat and a dog in the garden {}", "the train to the city is late {}"]
    texts = [kind.format(i) for i in range(40) for kind in kinds]

    def topics(model):
        fitted = bertopic.BERTopic(
            embedding_model=model,
            umap_model=PCA(2, random_state=0),
            hdbscan_model=KMeans(2, n_init=1, random_state=0),
        )
        return fitted.fit_transform(texts)[0]

    plain = SentenceTransformer(MODEL, device="cpu")
    wanted = topics(plain)
    assert topics(minilm.accelerate(plain)) == wanted
    assert len(set(wanted)) == 2


def test_mteb(monkeypatch):
    mteb = pytest.importorskip("mteb")
    datasets = pytest.importorskip("datasets")
    from minilm.mteb import MiniLMModel

    rows = {
        "sentence1": ["A man is eating.", "It is night.", "A dog runs.", "He plays the piano."],
        "sentence2": ["Someone eats.", "The sun shines.", "A dog is running.", "Rain falls."],
        "score": [4.0, 1.0, 5.0, 0.0],
    }
    task = mteb.get_task("STSBenchmark", eval_splits=["validation"])
    task.dataset = datasets.DatasetDict(validation=datasets.Dataset.from_dict(rows))
    task.data_loaded = True
    result = mteb.evaluate(MiniLMModel(MODEL), task, cache=None)
    score = result.task_results[0].scores["validation"][0]
    assert score["main_score"] > 0.7


def test_mteb_chooses_the_prompts_of_the_original():
    """Each task, and both sides of it, beside MTEB's own wrapper of sentence-transformers."""
    mteb = pytest.importorskip("mteb")
    datasets = pytest.importorskip("datasets")
    sentence_transformers = pytest.importorskip("sentence_transformers")
    from mteb.models import SentenceTransformerEncoderWrapper
    from mteb.types import PromptType
    from torch.utils.data import DataLoader

    from minilm.mteb import MiniLMModel

    prompts = {
        "query": "query: ",
        "document": "passage: ",
        "STSBenchmark": "sts: ",
        "Classification": "classify: ",
        "NFCorpus-query": "medical question: ",
    }
    ours = MiniLMModel(MODEL, model_prompts=prompts)
    original = sentence_transformers.SentenceTransformer(MODEL, device="cpu")
    theirs = SentenceTransformerEncoderWrapper(original, model_prompts=prompts)
    batches = DataLoader(datasets.Dataset.from_dict({"text": TEXTS[:4]}), batch_size=2)
    expected = {
        ("STSBenchmark", None): "sts: ",
        ("Banking77Classification", None): "classify: ",
        ("NFCorpus", PromptType.query): "medical question: ",
        ("NFCorpus", PromptType.document): "passage: ",
        ("SciFact", PromptType.query): "query: ",
        ("TwentyNewsgroupsClustering", None): "",
    }
    for (task, side), prompt in expected.items():
        options = {
            "task_metadata": mteb.get_task(task).metadata,
            "hf_split": "test",
            "hf_subset": "default",
            "prompt_type": side,
        }
        found = ours.encode(batches, **options)
        assert np.array_equal(found, ours.model.encode(TEXTS[:4], prompt=prompt)), task
        wanted = np.asarray(theirs.encode(batches, **options))
        assert np.abs(found - wanted).max() < 5e-7, task
    with pytest.raises(KeyError, match="no-such-task"):
        MiniLMModel(MODEL, model_prompts={"no-such-task": "x"})
    assert MiniLMModel(MODEL, prompts={"query": "q: "}).model_prompts == {"query": "q: "}
