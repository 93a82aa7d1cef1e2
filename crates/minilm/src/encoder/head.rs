//! The steps between the pooling and the last normalisation: linear layers, and normalisations
//! before them. Most models have none.

use crate::{
    Error,
    directory::{Step, read_dense},
    files::Source,
};
use minilm_kernels::Level;
#[cfg(feature = "tasks")]
use minilm_model::Checkpoint;
use minilm_pooling::{Dense, normalize};

#[derive(Debug)]
pub(super) struct Head {
    steps: Vec<Layer>,
    /// Of a vector behind it.
    width: usize,
    /// Of the weights, which a fingerprint reads.
    #[cfg(feature = "tasks")]
    checkpoints: Vec<Checkpoint>,
}

#[derive(Debug)]
enum Layer {
    Dense(Box<Dense>),
    Normalize,
}

impl Head {
    /// Reads the layers for pooled vectors of `width` values.
    pub(super) fn read(
        source: &mut Source,
        steps: &[Step],
        mut width: usize,
        level: Level,
    ) -> Result<Head, Error> {
        let mut layers = Vec::new();
        #[cfg(feature = "tasks")]
        let mut checkpoints = Vec::new();
        for step in steps {
            layers.push(match step {
                Step::Normalize => Layer::Normalize,
                Step::Dense(folder) => {
                    let (dense, checkpoint) = read_dense(source, folder, width, level)?;
                    width = dense.outputs();
                    #[cfg(feature = "tasks")]
                    checkpoints.push(checkpoint);
                    #[cfg(not(feature = "tasks"))]
                    drop(checkpoint);
                    Layer::Dense(Box::new(dense))
                }
            });
        }
        Ok(Head {
            steps: layers,
            width,
            #[cfg(feature = "tasks")]
            checkpoints,
        })
    }

    /// Values of a vector behind it.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The modules by their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.steps.iter().map(|layer| match layer {
            Layer::Dense(_) => "Dense",
            Layer::Normalize => "Normalize",
        })
    }

    /// The settings that a fingerprint needs beside the weights.
    #[cfg(feature = "tasks")]
    pub(super) fn description(&self) -> String {
        let layers = self.steps.iter().map(|layer| match layer {
            Layer::Dense(dense) => dense.description(),
            Layer::Normalize => "normalised".to_owned(),
        });
        layers.collect::<Vec<_>>().join(", ")
    }

    /// The bytes of the files with weights.
    #[cfg(feature = "tasks")]
    pub(super) fn files(&self) -> impl Iterator<Item = &[u8]> {
        self.checkpoints.iter().flat_map(Checkpoint::files)
    }

    /// Makes `vector`, as pooled, one of [`Head::width`] values; `look` sees it behind each module.
    pub(super) fn run(&self, vector: &mut Vec<f32>, mut look: impl FnMut(&'static str, &[f32])) {
        for (layer, name) in self.steps.iter().zip(self.names()) {
            match layer {
                Layer::Normalize => normalize(vector),
                Layer::Dense(dense) => {
                    let mut y = vec![0.0; dense.outputs()];
                    dense.forward(vector, &mut y);
                    *vector = y;
                }
            }
            look(name, vector);
        }
    }
}
