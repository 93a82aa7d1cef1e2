//! Numbers about a trace: the times of the kernels, and the size of the residual stream.

use minilm::{
    Level, Trace,
    kernels::peak,
    model::Operation,
    ndarray::{Array1, ArrayView2},
};
use std::time::Duration;

/// The numbers that the report and the page show.
pub(super) struct Measures {
    pub level: Level,
    /// FLOP/s that one core reaches with nothing but multiply-adds.
    pub peak: f64,
    /// All kernels together.
    pub total: Duration,
    pub operations: Vec<Cost>,
    pub stream: Vec<Size>,
}

/// One operation in all layers.
pub(super) struct Cost {
    pub operation: Operation,
    pub time: Duration,
    pub flop: u64,
    /// The same in each layer; the embeddings have but one.
    pub layers: Vec<Duration>,
}

impl Cost {
    pub(super) fn flops_per_second(&self) -> f64 {
        self.flop as f64 / self.time.as_secs_f64().max(1e-9)
    }
}

/// The residual stream at one place.
pub(super) struct Size {
    /// The tensor: `encoder.layer.0.output`.
    pub name: String,
    /// Length of each token's vector.
    pub lengths: Vec<f64>,
    /// |x − before| / |before|, all tokens together; none for the first.
    pub change: Option<f64>,
    /// Mean cosine of two different tokens; none if there is but one.
    pub alike: Option<f64>,
}

impl Measures {
    pub(super) fn new(trace: &Trace, level: Level) -> Measures {
        let operations = Operation::ALL.iter().map(|&operation| cost(trace, operation)).collect();
        let mut stream: Vec<Size> = Vec::new();
        let mut before: Option<ArrayView2<'_, f32>> = None;
        for (name, x) in trace.residual_stream() {
            stream.push(Size::new(name, x, before));
            before = Some(x);
        }
        Measures { level, peak: peak::fma(level), total: trace.time(), operations, stream }
    }

    /// Part of the whole time, in percent.
    pub(super) fn percent(&self, time: Duration) -> f64 {
        100.0 * time.as_secs_f64() / self.total.as_secs_f64().max(1e-9)
    }

    pub(super) fn flop(&self) -> u64 {
        self.operations.iter().map(|cost| cost.flop).sum()
    }

    pub(super) fn flops_per_second(&self) -> f64 {
        self.flop() as f64 / self.total.as_secs_f64().max(1e-9)
    }
}

fn cost(trace: &Trace, operation: Operation) -> Cost {
    let laps = || trace.laps.iter().filter(|lap| lap.operation == operation);
    Cost {
        operation,
        time: laps().map(|lap| lap.time).sum(),
        flop: laps().map(|lap| lap.flop).sum(),
        layers: laps().map(|lap| lap.time).collect(),
    }
}

impl Size {
    fn new(name: &str, x: ArrayView2<'_, f32>, before: Option<ArrayView2<'_, f32>>) -> Size {
        let x = x.mapv(f64::from);
        let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
        let lengths: Vec<f64> =
            x.rows().into_iter().map(|row| squares(&mut row.iter().copied()).sqrt()).collect();
        let change = before.map(|before| {
            let before = before.mapv(f64::from);
            let moved = squares(&mut (&x - &before).into_iter());
            (moved / squares(&mut before.into_iter()).max(f64::MIN_POSITIVE)).sqrt()
        });
        // Σᵢⱼ cos(xᵢ, xⱼ) = |Σ xᵢ/|xᵢ||², of which T are the tokens with themselves.
        let mut sum = Array1::<f64>::zeros(x.ncols());
        for (row, length) in x.rows().into_iter().zip(&lengths) {
            sum += &(&row / length.max(1e-12));
        }
        let t = lengths.len() as f64;
        let alike = (t > 1.0).then(|| (sum.dot(&sum) - t) / (t * (t - 1.0)));
        Size { name: name.to_owned(), lengths, change, alike }
    }

    pub(super) fn mean(&self) -> f64 {
        self.lengths.iter().sum::<f64>() / self.lengths.len() as f64
    }

    pub(super) fn least(&self) -> f64 {
        self.lengths.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(super) fn most(&self) -> f64 {
        self.lengths.iter().copied().fold(0.0, f64::max)
    }
}

/// Smallest, largest, mean of the squares' root.
pub(super) fn range<'a>(values: impl Iterator<Item = &'a f32>) -> (f32, f32, f64) {
    let (mut least, mut most, mut squares, mut count) =
        (f32::INFINITY, f32::NEG_INFINITY, 0.0, 0_usize);
    for &x in values {
        (least, most) = (least.min(x), most.max(x));
        squares += f64::from(x) * f64::from(x);
        count += 1;
    }
    (least, most, (squares / count.max(1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::{Size, range};
    use minilm::ndarray::array;

    #[test]
    fn sizes_changes_and_likeness_are_those_of_the_definition() {
        let before = array![[3.0, 4.0], [0.0, 5.0]];
        let x = array![[3.0, 0.0], [0.0, 2.0]];
        let size = Size::new("x", x.view(), Some(before.view()));
        assert_eq!((size.least(), size.most(), size.mean()), (2.0, 3.0, 2.5));
        assert_eq!(size.change, Some(0.5_f64.sqrt())); // 16 + 9 of 50
        assert!(size.alike.is_some_and(|alike| alike.abs() < 1e-12), "they are at right angles");
        let first = Size::new("y", before.view(), None);
        assert_eq!(first.change, None);
        assert!(first.alike.is_some_and(|alike| (alike - 0.8).abs() < 1e-12));
        assert_eq!(Size::new("z", array![[1.0, 0.0]].view(), None).alike, None);
    }

    #[test]
    fn the_range_holds_every_value() {
        let (least, most, rms) = range([1.0, -7.0, 5.0].iter());
        assert_eq!((least, most, rms), (-7.0, 5.0, 5.0));
    }
}
