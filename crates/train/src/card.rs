//! The model card: `README.md` with the metadata that the hub reads.

use crate::{Loss, Record, Scores, Setup};
use std::fmt::Write;

/// What a card says.
pub(crate) struct Card<'a> {
    pub setup: &'a Setup,
    /// The base's name.
    pub base: String,
    /// SHA-256 of the base's weights, of the data, and of the weights.
    pub digests: [&'a str; 3],
    pub before: &'a [Scores],
    pub after: &'a [Scores],
    pub step: usize,
    pub dimension: usize,
    pub log: &'a [Record],
}

impl Card<'_> {
    pub(crate) fn text(&self) -> String {
        let name = self
            .setup
            .output
            .file_name()
            .map_or_else(Default::default, |name| name.to_string_lossy());
        let parts = [
            self.metadata(),
            format!("# {name}\n"),
            self.introduction(),
            self.usage(&name),
            self.evaluation(),
            self.training(),
            self.course(),
        ];
        parts.join("\n")
    }

    /// YAML as the hub and sentence-transformers read it.
    fn metadata(&self) -> String {
        let losses = match &self.setup.loss {
            Loss::Matryoshka { loss, .. } => vec![self.setup.loss.name(), loss.name()],
            loss => vec![loss.name()],
        };
        let losses: String = losses.iter().map(|loss| format!("- loss:{loss}\n")).collect();
        format!(
            "---\nlibrary_name: sentence-transformers\npipeline_tag: sentence-similarity\n\
             base_model: {}\ntags:\n- sentence-transformers\n- sentence-similarity\n\
             - feature-extraction\n- generated_from_trainer\n- dataset_size:{}\n{losses}- minilm\n\
             ---\n",
            quoted(&self.base),
            self.setup.data.rows().len(),
        )
    }

    fn introduction(&self) -> String {
        format!(
            "This is a [sentence-transformers](https://www.sbert.net) model: {}, trained with \
             minilm {} on {} {}. It maps a text to {} values. It was trained on a CPU, and the \
             command below gives the same weights again, bit for bit.\n",
            code(&self.base),
            env!("CARGO_PKG_VERSION"),
            self.setup.data.rows().len(),
            self.setup.data.kind().name(),
            self.dimension,
        )
    }

    fn usage(&self, name: &str) -> String {
        format!(
            "## Usage\n\n```python\nfrom sentence_transformers import SentenceTransformer\n\n\
             model = SentenceTransformer(\"{name}\")\n\
             embeddings = model.encode([\"one text\", \"another text\"])\n```\n\n\
             ```sh\nminilm similarity --model {name} \"one text\" \"another text\"\n```\n\n\
             Vectors of {} and of this model cannot be compared. An index that was made with the \
             base has to be made again: `minilm index --model {name} FILE… -o INDEX`.\n",
            code(&self.base),
        )
    }

    fn evaluation(&self) -> String {
        let mut text = String::from("## Evaluation\n\n");
        if self.after.is_empty() {
            text += "The model was not evaluated.\n";
            return text;
        }
        text += "| data | number | before | after |\n|---|---|---:|---:|\n";
        for after in self.after {
            let before = self.before.iter().find(|before| before.name == after.name);
            for (i, (number, value)) in after.values.iter().enumerate() {
                let old = before.and_then(|before| before.values.get(i));
                let old = old.map_or_else(String::new, |(_, old)| format!("{old:.4}"));
                let _ = writeln!(text, "| {} | {number} | {old} | {value:.4} |", cell(&after.name));
            }
        }
        text
    }

    fn training(&self) -> String {
        let [base, data, weights] = self.digests;
        let mut text = format!("## Training\n\nThe weights are those after step {}.", self.step);
        if self.setup.average > 0.0 {
            let _ = write!(
                text,
                " They are averaged with the base's, which count {}.",
                self.setup.average
            );
        }
        text += "\n\n";
        if let Some(command) = self.setup.origin.get("command").and_then(|command| command.as_str())
        {
            let _ = writeln!(text, "```sh\n{command}\n```\n");
        }
        let _ = writeln!(
            text,
            "| SHA-256 of | |\n|---|---|\n| the base's weights | `{base}` |\n\
             | the data | `{data}` |\n| these weights | `{weights}` |\n"
        );
        let loss = serde_json::to_string(&self.setup.loss).unwrap_or_default();
        let _ = writeln!(text, "| setting | value |\n|---|---|\n| loss | `{loss}` |");
        let arguments = serde_json::to_value(&self.setup.arguments).unwrap_or_default();
        for (name, value) in arguments.as_object().into_iter().flatten() {
            if !value.is_null() {
                let _ = writeln!(text, "| {name} | `{value}` |");
            }
        }
        text
    }

    /// Some of the steps.
    fn course(&self) -> String {
        const ROWS: usize = 20;
        let steps: Vec<_> = self
            .log
            .iter()
            .filter_map(|record| match record {
                Record::Step(step) => Some(step),
                Record::Evaluation { .. } => None,
            })
            .collect();
        let every = steps.len().div_ceil(ROWS).max(1);
        let mut text = String::from(
            "### Log\n\n| epoch | step | loss | length of the gradient | rate |\n\
             |---:|---:|---:|---:|---:|\n",
        );
        for (i, step) in steps.iter().enumerate() {
            if (i + 1).is_multiple_of(every) || i + 1 == steps.len() {
                let _ = writeln!(
                    text,
                    "| {:.2} | {} | {:.4} | {:.3} | {:.2e} |",
                    step.epoch, step.step, step.loss, step.grad_norm, step.learning_rate
                );
            }
        }
        text
    }
}

/// A string of YAML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// As code, which no letter of a name can leave.
fn code(text: &str) -> String {
    format!("`{}`", text.replace(['`', '\n'], " "))
}

/// In a cell of a table.
fn cell(text: &str) -> String {
    text.replace(['|', '\n'], " ")
}
