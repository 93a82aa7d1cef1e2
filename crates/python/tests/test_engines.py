"""One corpus through many engines, and with a worker killed in the middle: one SHA-256.

Each engine starts on this machine, on loopback, where its package is installed.
"""

import hashlib
import os
import signal
import sys

import numpy as np
import pytest
from conftest import MODEL

pa = pytest.importorskip("pyarrow")

from minilm.arrow import embed, shared_model  # noqa: E402

ROWS = 400
TEXTS = [f"text {i} of the corpus about {'cats' if i % 3 else 'trains'}" for i in range(ROWS)]


def digest(rows):
    """The hash of vectors that come as (row, vector), in the order of the rows."""
    ordered = np.array([vector for _, vector in sorted(rows, key=lambda row: row[0])], np.float32)
    assert ordered.shape == (ROWS, 384)
    return hashlib.sha256(ordered.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def expected():
    return digest(enumerate(shared_model(MODEL).encode(TEXTS)))


@pytest.fixture
def table():
    return pa.table({"id": range(ROWS), "text": TEXTS})


def kill_once(marker, ids):
    """Ends this process, as a machine that fails would, once and in the middle of the corpus."""
    if max(ids) >= ROWS // 3:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


def test_arrow(expected, table):
    rows = embed(table.column("text"), MODEL)
    assert rows.type == pa.list_(pa.float32(), 384)
    assert digest(enumerate(rows.to_pylist())) == expected
    short = embed(pa.array(["a", None, "b"]), MODEL, truncate_dim=4)
    assert short.type.list_size == 4 and short.is_null().to_pylist() == [False, True, False]
    assert len(embed(pa.array([], pa.string()), MODEL)) == 0
    assert shared_model(MODEL) is shared_model(MODEL)


def test_polars(expected):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"id": range(ROWS), "text": TEXTS})
    vectors = frame.select(
        "id",
        polars.col("text").map_batches(
            lambda column: polars.Series(embed(column.to_arrow().cast(pa.string()), MODEL)),
            return_dtype=polars.Array(polars.Float32, 384),
        ),
    )
    assert digest(vectors.iter_rows()) == expected


def test_duckdb(expected, table):
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    connection.create_function(
        "embed", lambda column: embed(column, MODEL), ["VARCHAR"], "FLOAT[384]", type="arrow"
    )
    connection.register("texts", table)
    assert digest(connection.execute("SELECT id, embed(text) FROM texts").fetchall()) == expected


@pytest.mark.parametrize("kill", [False, True])
def test_dask(expected, tmp_path, kill):
    distributed = pytest.importorskip("distributed")
    marker = str(tmp_path / "killed")

    def part(start):
        ids = range(start, start + 50)
        if kill:
            kill_once(marker, ids)
        return list(zip(ids, shared_model(MODEL).encode([TEXTS[i] for i in ids]).tolist()))

    with (
        distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        parts = client.gather(client.map(part, range(0, ROWS, 50)))
    assert os.path.exists(marker) == kill
    assert digest(row for rows in parts for row in rows) == expected


def test_daft(expected):
    daft = pytest.importorskip("daft")

    @daft.cls
    class Model:
        def __init__(self):
            self.model = shared_model(MODEL)

        @daft.method.batch(return_dtype=daft.DataType.embedding(daft.DataType.float32(), 384))
        def embed(self, column):
            return embed(column.to_arrow().cast(pa.string()), self.model)

    frame = daft.from_pydict({"id": list(range(ROWS)), "text": TEXTS})
    found = frame.select("id", Model().embed(frame["text"]).alias("vector")).to_pydict()
    assert digest(zip(found["id"], found["vector"])) == expected


@pytest.fixture(scope="module")
def spark():
    pyspark = pytest.importorskip("pyspark")
    import shutil

    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        pyspark.sql.SparkSession.builder.master("local[2,4]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.mark.parametrize("kill", [False, True])
def test_spark(spark, expected, tmp_path, kill):
    from minilm.spark import embed as embed_frame

    frame = spark.createDataFrame(list(enumerate(TEXTS)), "id long, text string").repartition(4)
    marker = str(tmp_path / "killed")
    if kill:
        root = os.path.dirname(__file__)

        def fail(parts):
            sys.path.insert(0, root)
            from test_engines import kill_once as end

            for part in parts:
                end(marker, part.column("id").to_pylist())
                yield part

        frame = frame.mapInArrow(fail, frame.schema)
    vectors = embed_frame(frame, "text", model=MODEL)
    assert [field.name for field in vectors.schema.fields] == ["id", "text", "embedding"]
    rows = [(row.id, row.embedding) for row in vectors.collect()]
    assert os.path.exists(marker) == kill
    assert digest(rows) == expected
    with pytest.raises(ValueError, match="no column 'other'; its columns are"):
        embed_frame(frame, "other", model=MODEL)


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_raylet_start_wait_time_s"] = "180"
    ray.init(num_cpus=3, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield ray
    ray.shutdown()


@pytest.mark.parametrize("kill", [False, True])
def test_ray(ray, expected, table, tmp_path, kill):
    from minilm.ray import Embed

    marker, root = str(tmp_path / "killed"), os.path.dirname(__file__)

    class Failing(Embed):
        def __call__(self, batch):
            sys.path.insert(0, root)
            from test_engines import kill_once as end

            end(marker, batch.column("id").to_pylist())
            return super().__call__(batch)

    dataset = ray.data.from_arrow(table).repartition(4)
    vectors = dataset.map_batches(
        Failing if kill else Embed,
        fn_constructor_kwargs={"model": MODEL, "threads": 1},
        batch_format="pyarrow",
        batch_size=50,
        compute=ray.data.ActorPoolStrategy(size=2),
        num_cpus=1,
    )
    rows = [(row["id"], row["embedding"]) for row in vectors.take_all()]
    assert os.path.exists(marker) == kill
    assert digest(rows) == expected
