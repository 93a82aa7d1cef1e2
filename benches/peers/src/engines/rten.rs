//! rten: an ONNX runtime in Rust, on the plain graph. It takes ids, and its threads from the
//! environment.

use super::{Engine, Failure};
use crate::{args::Worker, sets::Set, vectors::DIMENSION};
use rten::{Model, ModelOptions, NodeId};
use rten_tensor::NdTensor;

pub struct Rten {
    model: Model,
    inputs: [NodeId; 3],
    output: NodeId,
}

impl Rten {
    pub fn load(worker: &Worker, graph: &str) -> Result<Rten, Failure> {
        let model = ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load_file(worker.graphs.join(graph))?;
        let inputs = [
            model.node_id("input_ids")?,
            model.node_id("attention_mask")?,
            model.node_id("token_type_ids")?,
        ];
        let output = *model.output_ids().first().ok_or("the graph has no output")?;
        Ok(Rten { model, inputs, output })
    }
}

impl Engine for Rten {
    fn run(&mut self, set: &Set) -> Result<Vec<f32>, Failure> {
        let shape = [set.ids.len(), set.ids.first().map_or(0, Vec::len)];
        let ids = set.ids.iter().flatten().map(|&id| id as i32).collect::<Vec<_>>();
        let tensors =
            [NdTensor::from_data(shape, ids), NdTensor::full(shape, 1), NdTensor::full(shape, 0)];
        let inputs = self
            .inputs
            .into_iter()
            .zip(tensors)
            .map(|(node, tensor)| (node, tensor.into()))
            .collect();
        let output = self.model.run(inputs, &[self.output], None)?.pop().ok_or("no output")?;
        let hidden: NdTensor<f32, 3> = output.try_into()?; // [b, l, H]
        Ok(hidden
            .into_data()
            .chunks_exact(shape[1] * DIMENSION)
            .flat_map(mean_of_length_1)
            .collect())
    }
}

/// The mean of a text's rows `[l, H]`, scaled to length 1.
fn mean_of_length_1(rows: &[f32]) -> Vec<f32> {
    let mut sum = vec![0.0_f32; DIMENSION];
    for row in rows.chunks_exact(DIMENSION) {
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    sum.into_iter().map(|x| x / length).collect()
}
