#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "loops over i, j and k read like the formulas above them")]

pub mod attention;
pub mod exp;
pub mod gelu;
pub mod gemm;
pub mod layer_norm;
pub mod softmax;

mod inputs;
mod ladders;
mod measure;
mod report;
mod steps;
mod yardstick;

pub use ladders::{Case, LADDERS, Ladder, Unit, Work};
pub use report::{Report, Row, Table, peak};
pub use steps::{Operation, STEPS, Step, YARDSTICKS};
