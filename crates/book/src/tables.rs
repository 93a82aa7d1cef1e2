//! Records to Markdown.

mod bench;
mod browser;
mod machine;
mod peers;
mod server;
mod training;

use crate::{accuracy, bakeoff, fuzzing, ladder, records::Maker, tile};
pub use peers::{OURS, threads_of};

pub const TABLES: [Maker; 29] = [
    Maker { name: "machine", record: "machine", make: machine::machine },
    Maker { name: "peers-texts", record: "peers", make: peers::texts },
    Maker { name: "peers-precisions", record: "peers", make: peers::precisions },
    Maker { name: "peers-ids", record: "peers", make: peers::ids },
    Maker { name: "peers-search", record: "peers", make: peers::search },
    Maker { name: "peers-training", record: "peers", make: peers::training },
    Maker { name: "bench-ceilings", record: "bench", make: bench::ceilings },
    Maker { name: "bench-gemm", record: "bench", make: bench::gemm },
    Maker { name: "bench-model", record: "bench", make: bench::model },
    Maker { name: "bench-start", record: "bench", make: bench::start },
    Maker { name: "bench-latency", record: "bench", make: bench::latency },
    Maker { name: "bench-throughput", record: "bench", make: bench::throughput },
    Maker { name: "kernels", record: "bench", make: bench::kernels },
    Maker { name: "ladder-gemm", record: "ladder", make: ladder::gemm_table },
    Maker { name: "ladder-layer_norm", record: "ladder", make: ladder::layer_norm_table },
    Maker { name: "ladder-softmax", record: "ladder", make: ladder::softmax_table },
    Maker { name: "ladder-gelu", record: "ladder", make: ladder::gelu_table },
    Maker { name: "ladder-exp", record: "ladder", make: ladder::exp_table },
    Maker { name: "ladder-attention", record: "ladder", make: ladder::attention_table },
    Maker { name: "bakeoff-avx512", record: "bakeoff", make: bakeoff::avx512 },
    Maker { name: "bakeoff-avx2", record: "bakeoff", make: bakeoff::avx2 },
    Maker { name: "bakeoff-chains", record: "bakeoff", make: bakeoff::chains },
    Maker { name: "errors", record: "errors", make: accuracy::errors },
    Maker { name: "sts", record: "sts", make: accuracy::sts },
    Maker { name: "fuzz", record: "fuzz", make: fuzzing::table },
    Maker { name: "training", record: "training", make: training::training },
    Maker { name: "browser", record: "browser", make: browser::browser },
    Maker { name: "server", record: "server", make: server::server },
    Maker { name: "tile", record: "tile", make: tile::excerpt },
];
