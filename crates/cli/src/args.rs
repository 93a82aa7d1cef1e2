//! The command line as clap reads it: the options of every command, and the list of commands.

#[cfg(feature = "serve")]
use crate::serve::Serve;
use crate::{
    about::About, bench::Bench, classify::Classify, cluster::Cluster, completions::Completions,
    convert::Convert, dedupe::Dedupe, embed::Embed, eval::Eval, explain::Explain, index::Index,
    licenses::Licenses, man::Man, map::Map, negatives::Negatives, options::Common, pairs::Pairs,
    quantize::Quantize, quantize_model::QuantizeModel, search::Search, similarity::Similarity,
    trace::Trace, train::Train, verify::Verify,
};
use clap::{Parser, Subcommand};

/// Sentence embeddings on the CPU: all-MiniLM-L6-v2 and BERT checkpoints like it.
#[derive(Debug, Parser)]
#[command(name = "minilm", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Embed(Embed),
    Similarity(Similarity),
    Index(Index),
    Search(Search),
    Pairs(Pairs),
    Cluster(Cluster),
    Map(Map),
    Dedupe(Dedupe),
    Eval(Eval),
    Train(Box<Train>),
    Negatives(Negatives),
    Classify(Classify),
    Quantize(Quantize),
    QuantizeModel(QuantizeModel),
    Convert(Convert),
    Explain(Explain),
    Trace(Trace),
    Model(About),
    Verify(Verify),
    Bench(Bench),
    #[cfg(feature = "serve")]
    Serve(Serve),
    Completions(Completions),
    Licenses(Licenses),
    Man(Man),
}

const EXAMPLES: &str = "\
Examples:
  minilm embed \"This is an example sentence\" \"Each sentence is converted\"
  minilm embed --input notes.txt --format npy --output notes.npy
  minilm similarity \"A man is eating food.\" \"Someone has a meal.\"
  minilm index notes.txt -o notes.index
  minilm search notes.index \"a question\"
  minilm map notes.index --html map.html
  minilm explain \"A man is eating food.\" \"Someone has a meal.\"
  minilm trace \"A man is eating food.\" --html trace.html
  minilm train pairs.csv -o my-model
  minilm verify
  minilm bench

Results are on standard output, messages on standard error.
Exit status: 0 fine, 1 failed, 2 misused, 130 stopped by Ctrl-C.";
