//! `model.safetensors`: storage types, names, and the tensor that an error names.

mod support;

use minilm_kernels::Level;
use minilm_model::{Bert, Checkpoint, Config, Error, Precision};
use safetensors::Dtype;
use std::borrow::Cow;
use support::{bits, checkpoint, load, tiny::TinyBert};

/// A file with one tensor `x`, its header padded with spaces.
fn file(dtype: &str, values: usize, data: &[u8], padding: usize) -> Vec<u8> {
    let end = data.len();
    let header =
        format!(r#"{{"x":{{"dtype":"{dtype}","shape":[{values}],"data_offsets":[0,{end}]}}}}"#);
    let header = header + &" ".repeat(padding);
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

fn tensor(file: Vec<u8>, len: usize) -> Vec<f32> {
    let checkpoint = Checkpoint::from_bytes(file, "x.safetensors".as_ref()).unwrap();
    checkpoint.tensor("x", &[len]).unwrap().into_owned()
}

/// An IEEE number of 16 bits: sign, `exponent` bits, and the rest fraction; `None` for ∞ and NaN.
fn value_of(bits: u16, exponent: u32) -> Option<f64> {
    let fraction = 15 - exponent;
    let bias = (1 << (exponent - 1)) - 1;
    let power = i32::from(bits >> fraction) & ((1 << exponent) - 1);
    let rest = f64::from(bits & ((1 << fraction) - 1)) / f64::from(1 << fraction);
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    match power {
        0 => Some(sign * rest * 2f64.powi(1 - bias)),
        power if power < (1 << exponent) - 1 => Some(sign * (1.0 + rest) * 2f64.powi(power - bias)),
        _ => None,
    }
}

#[test]
fn every_half_precision_number_is_widened_exactly() {
    for (dtype, exponent, finite) in [("F16", 5, (2 * 31) << 10), ("BF16", 8, (2 * 255) << 7)] {
        let numbers: Vec<(u16, f64)> =
            (0..=u16::MAX).filter_map(|bits| Some((bits, value_of(bits, exponent)?))).collect();
        assert_eq!(numbers.len(), finite, "{dtype}");
        let data: Vec<u8> = numbers.iter().flat_map(|(bits, _)| bits.to_le_bytes()).collect();
        let got = tensor(file(dtype, finite, &data, 0), finite);
        for ((bits, want), got) in numbers.iter().zip(got) {
            assert_eq!(f64::from(got).to_bits(), want.to_bits(), "{dtype} {bits:#06x}");
        }
    }
}

#[test]
fn a_number_that_is_not_finite_is_found_in_every_storage_type() {
    let bad: [(&str, &[u8]); 3] =
        [("F16", &[0x00, 0x7c]), ("BF16", &[0x80, 0xff]), ("F32", &[0, 0, 0xc0, 0x7f])];
    for (dtype, number) in bad {
        let data = [&vec![0; 5000 * number.len()], number].concat();
        let file = file(dtype, 5001, &data, 0);
        let checkpoint = Checkpoint::from_bytes(file, "x.safetensors".as_ref()).unwrap();
        match checkpoint.tensor("x", &[5001]).unwrap_err() {
            Error::NotFinite { tensor, index, value, .. } => {
                assert_eq!((&*tensor, index, value.is_finite()), ("x", 5000, false), "{dtype}")
            }
            other => panic!("{dtype}: {other:?}"),
        }
    }
}

#[test]
fn values_are_read_in_place_at_a_multiple_of_four_and_copied_elsewhere() {
    let values = [1.5_f32, -2.25, 3e-39, f32::MAX];
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut in_place = 0;
    for padding in 0..4 {
        let file = file("F32", 4, &data, padding);
        let at = (file.as_ptr() as usize + file.len() - data.len()) % 4;
        let checkpoint = Checkpoint::from_bytes(file, "x.safetensors".as_ref()).unwrap();
        let got = checkpoint.tensor("x", &[4]).unwrap();
        assert_eq!(&*got, &values, "{padding} spaces");
        assert_eq!(matches!(got, Cow::Borrowed(_)), at == 0, "{padding} spaces");
        in_place += usize::from(at == 0);
    }
    assert_eq!(in_place, 1, "of four places one is a multiple of four");
}

#[test]
fn a_lying_header_is_refused() {
    let header =
        |json: &str| [&(json.len() as u64).to_le_bytes(), json.as_bytes(), &[0; 64]].concat();
    let tensor = |name: &str, dtype: &str, shape: &str, offsets: &str| {
        format!(r#""{name}":{{"dtype":"{dtype}","shape":[{shape}],"data_offsets":[{offsets}]}}"#)
    };
    let one =
        |dtype, shape, offsets| header(&format!("{{{}}}", tensor("a", dtype, shape, offsets)));
    let lies = [
        u64::MAX.to_le_bytes().to_vec(),
        (1_u64 << 40).to_le_bytes().to_vec(),
        header("not json"),
        header("{}"),
        one("F32", "4", "0,1000000"),
        one("F32", "1000", "0,64"),
        one("F32", "16", "64,0"),
        one("F32", "9223372036854775807,9", "0,64"),
        one("X99", "16", "0,64"),
        header(&format!(
            "{{{},{}}}",
            tensor("a", "F32", "8", "0,32"),
            tensor("b", "F32", "8", "16,48")
        )),
    ];
    for lie in lies {
        match Checkpoint::from_bytes(lie, "a/model.safetensors".as_ref()).unwrap_err() {
            Error::Safetensors { path, .. } => assert!(path.ends_with("a/model.safetensors")),
            other => panic!("{other:?}"),
        }
    }
    assert!(Checkpoint::from_bytes(one("F32", "16", "0,64"), "a".as_ref()).is_ok(), "the truth");
}

#[test]
fn names_with_the_prefix_bert_and_the_old_names_of_layer_norm_load() {
    let sentence = [vec![2, 5, 6, 7, 3]];
    let run = |tiny: &TinyBert| bits(&load(tiny, Level::detect()).unwrap(), &sentence).unwrap();
    let prefixed = |name: &str| format!("bert.{name}");
    let old = |name: &str| {
        name.replace("LayerNorm.weight", "LayerNorm.gamma")
            .replace("LayerNorm.bias", "LayerNorm.beta")
    };
    let want = run(&TinyBert::new());
    let renames: [&dyn Fn(&str) -> String; 3] = [&prefixed, &old, &|name| prefixed(&old(name))];
    for rename in renames {
        let mut tiny = TinyBert::new();
        tiny.rename(rename);
        assert_eq!(run(&tiny), want, "{:?}", tiny.tensors.keys().next());
    }
    let mut tiny = TinyBert::new();
    tiny.rename(|name| format!("roberta.{name}"));
    assert!(matches!(load(&tiny, Level::detect()), Err(Error::MissingTensor { .. })));
}

#[test]
fn half_precision_storage_is_the_rounded_weights_exactly() {
    let sentence = [vec![2, 5, 6, 7, 8, 10, 9, 13, 15, 3]];
    let run = |tiny: &TinyBert| bits(&load(tiny, Level::detect()).unwrap(), &sentence).unwrap();
    let whole = run(&TinyBert::new());
    for dtype in [Dtype::F16, Dtype::BF16] {
        let mut tiny = TinyBert::new();
        tiny.store_as(dtype);
        let half = run(&tiny);
        tiny.store_as(Dtype::F32); // the values are already rounded
        assert_eq!(half, run(&tiny), "{dtype:?}");
        assert_ne!(half, whole, "{dtype:?} rounds");
    }
}

#[test]
fn double_precision_storage_is_narrowed() {
    let sentence = [vec![2, 5, 6, 7, 8, 10, 9, 13, 15, 3]];
    let run = |tiny: &TinyBert| bits(&load(tiny, Level::detect()).unwrap(), &sentence).unwrap();
    let mut tiny = TinyBert::new();
    tiny.store_as(Dtype::F64);
    assert_eq!(run(&tiny), run(&TinyBert::new()));
}

#[test]
fn a_tensor_that_is_missing_or_has_another_shape_or_type_is_named() {
    let name = "encoder.layer.1.attention.self.key.weight";
    let refused = |change: &dyn Fn(&mut TinyBert)| {
        let mut tiny = TinyBert::new();
        change(&mut tiny);
        load(&tiny, Level::detect()).unwrap_err()
    };

    let error = refused(&|tiny| drop(tiny.tensors.remove(name)));
    assert!(matches!(error, Error::MissingTensor { tensor, .. } if tensor == name));

    match refused(&|tiny| tiny.tensor(name).shape = vec![26, 104]) {
        Error::Shape { tensor, found, expected, .. } => {
            assert_eq!((tensor.as_str(), found, expected), (name, vec![26, 104], vec![52, 52]));
        }
        other => panic!("{other:?}"),
    }

    let error = refused(&|tiny| tiny.tensor(name).dtype = Dtype::I32);
    assert!(
        matches!(error, Error::Dtype { tensor, found, .. } if tensor == name && found == "I32")
    );
}

#[test]
fn a_weight_that_is_not_finite_is_named_wherever_it_is() {
    for (i, (name, tensor)) in TinyBert::new().tensors.iter().enumerate() {
        let mut tiny = TinyBert::new();
        let at = tensor.values.len() - 1;
        tiny.tensor(name).values[at] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][i % 3];
        match load(&tiny, Level::detect()).unwrap_err() {
            Error::NotFinite { tensor, index, .. } => assert_eq!((&tensor, index), (name, at)),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_tensor_is_asked_for_by_its_shape() {
    let checkpoint = checkpoint(&TinyBert::new()).unwrap();
    let name = "embeddings.token_type_embeddings.weight";
    let values = checkpoint.tensor(name, &[2, 52]).unwrap();
    assert_eq!(&*values, TinyBert::new().tensors[name].values);
    for shape in [&[52, 2][..], &[104], &[2, 52, 1], &[]] {
        assert!(matches!(checkpoint.tensor(name, shape), Err(Error::Shape { .. })), "{shape:?}");
    }
}

#[test]
fn a_packed_model_keeps_the_bits_and_not_the_files_of_its_layers() {
    let part = |wanted: &dyn Fn(&str) -> bool| {
        let mut part = TinyBert::new();
        part.tensors.retain(|name, _| wanted(name));
        checkpoint(&part).unwrap()
    };
    let of_layer = |name: &str, n: usize| name.contains(&format!("encoder.layer.{n}."));
    let parts = part(&|name| !name.contains("encoder.layer."))
        .join(part(&|name| of_layer(name, 0)))
        .join(part(&|name| of_layer(name, 1)));
    let config = TinyBert::new().config.to_string();
    let config = Config::from_bytes(config.as_bytes(), "config.json".as_ref()).unwrap();
    let (level, precision) = (Level::detect(), Precision::Int8);
    let kept = Bert::with_precision(config.clone(), &parts, level, precision).unwrap();
    let packed = Bert::packed(config, parts, level, precision).unwrap();
    assert_eq!((kept.checkpoint().files().count(), packed.checkpoint().files().count()), (3, 1));
    let [a, b] = [&kept, &packed].map(|bert| bits(bert, &[vec![2, 5, 3]]).unwrap());
    assert_eq!(a, b);
    assert!(kept.plain().is_ok());
    assert!(matches!(packed.plain(), Err(Error::MissingTensor { .. })));
}
