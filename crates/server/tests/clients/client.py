"""The client `openai` of PyPI against `minilm serve`; `cargo xtask check clients` runs it."""

import json
import sys

import openai

TEXTS = ["A man is eating food.", "Someone has a meal."]


def main():
    with open(sys.argv[1]) as file:
        expected = [json.loads(line)["embedding"] for line in file]
    client = openai.OpenAI(max_retries=0)

    # Without a format the client asks for base64, and makes floats of it.
    for format in [{}, {"encoding_format": "float"}]:
        found = client.embeddings.create(model="all-MiniLM-L6-v2", input=TEXTS, **format)
        for row, embedding in zip(expected, found.data, strict=True):
            worst = max(abs(a - b) for a, b in zip(row, embedding.embedding, strict=True))
            assert worst < 1e-8, worst
        assert found.usage.prompt_tokens == 15, found.usage

    ids = client.embeddings.create(model="all-MiniLM-L6-v2", input=[[7592, 2088], [7592]])
    one = client.embeddings.create(model="all-MiniLM-L6-v2", input="hello world")
    assert ids.data[0].embedding == one.data[0].embedding
    short = client.embeddings.create(model="all-MiniLM-L6-v2", input="x", dimensions=64)
    assert len(short.data[0].embedding) == 64
    assert [model.id for model in client.models.list()] == ["all-MiniLM-L6-v2"]
    assert client.models.retrieve("all-MiniLM-L6-v2").owned_by == "minilm"

    expect(openai.NotFoundError, lambda: client.embeddings.create(model="gpt", input="x"))
    wrong = {"model": "all-MiniLM-L6-v2", "input": "x", "dimensions": 999}
    error = expect(openai.BadRequestError, lambda: client.embeddings.create(**wrong))
    assert error.param == "dimensions", error.param
    stranger = openai.OpenAI(api_key="another", max_retries=0)
    expect(openai.AuthenticationError, lambda: stranger.models.list())
    print(f"openai {openai.__version__}")


def expect(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


main()
