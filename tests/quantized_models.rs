//! Directories whose weights are rounded: they load like any other, give the same bits everywhere,
//! and whatever is wrong with them is refused.

mod support;

use minilm::{
    Error, Level, Precision, SentenceEncoder, dequantize_model, model::Error as ModelError,
    ndarray::Array2, quantize_model, similarity::cosine,
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::{collections::HashMap, fs, path::Path};
use support::{ENCODER, bits, golden, model, refusal::message, tiny::Tiny};
use tempfile::TempDir;

/// A directory that is not there yet, in one that is removed.
fn target() -> (TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("new");
    (directory, target)
}

fn least_cosine(a: &Array2<f32>, b: &Array2<f32>) -> f32 {
    let cosines = a.rows().into_iter().zip(b.rows()).map(|(a, b)| cosine(a, b));
    cosines.fold(1.0, f32::min)
}

#[test]
fn the_model_is_a_quarter_of_its_size_and_near_to_itself() {
    let (_directory, small) = target();
    let sizes = quantize_model(model(), &small).unwrap();
    assert_eq!(sizes.before, fs::metadata(model().join("model.safetensors")).unwrap().len());
    assert_eq!(sizes.after, fs::metadata(small.join("model.safetensors")).unwrap().len());
    assert!(sizes.after < 24_000_000, "{} bytes", sizes.after);

    let (_again, again) = target();
    quantize_model(model(), &again).unwrap();
    let file = |directory: &Path| fs::read(directory.join("model.safetensors")).unwrap();
    assert!(file(&small) == file(&again), "the same bytes each time, so that spaces are the same");

    let texts: Vec<String> =
        golden::texts("texts.json").into_iter().map(|t| t.text).step_by(5).collect();
    let exact = ENCODER.encode(&texts).unwrap();
    let encoder = SentenceEncoder::load(&small).unwrap();
    assert_eq!(encoder.precision(), Precision::Int8);
    let found = encoder.encode(&texts).unwrap();
    assert!(least_cosine(&exact, &found) > 0.997, "{}", least_cosine(&exact, &found));
    for level in Level::available() {
        let short: Vec<&String> = texts.iter().filter(|text| text.len() < 100).collect();
        let expected = encoder.encode(&short).unwrap();
        let here = SentenceEncoder::builder().level(level).load(&small).unwrap();
        assert_eq!(bits(&here.encode(&short).unwrap()), bits(&expected), "{level}");
    }

    // Floats that are made of the integers: the loss of rounding stays, and no other comes.
    let (_directory, wide) = target();
    let sizes = dequantize_model(&small, &wide).unwrap();
    assert!(sizes.after > 90_000_000, "{} bytes", sizes.after);
    let widened = SentenceEncoder::load(&wide).unwrap();
    assert_eq!(widened.precision(), Precision::F32);
    let least = least_cosine(&exact, &widened.encode(&texts).unwrap());
    assert!((0.998..0.999_999).contains(&least), "{least}");
}

#[test]
fn the_same_weights_make_the_same_file() {
    let tiny = Tiny::new().with_modules().write();
    let file = || {
        let (_directory, small) = target();
        quantize_model(tiny.path(), &small).unwrap();
        fs::read(small.join("model.safetensors")).unwrap()
    };
    let first = file();
    assert!(SafeTensors::deserialize(&first).unwrap().len() > 10);
    (0..20).for_each(|_| assert_eq!(file(), first));
}

#[cfg(unix)]
#[test]
fn a_failure_leaves_no_part_of_a_directory() {
    let tiny = Tiny::new().with_modules().write();
    // What the model does not need, and cannot be copied.
    fs::create_dir(tiny.path().join("notes")).unwrap();
    let (_directory, missing) = target();
    std::os::unix::fs::symlink(&missing, tiny.path().join("notes/lost")).unwrap();
    let (_directory, small) = target();
    let error = quantize_model(tiny.path(), &small).unwrap_err();
    assert!(message(&error).contains("lost"), "{}", message(&error));
    assert!(!small.exists());
}

/// Loads a small model in Int8 from its floats and from rounded weights, with exact embeddings in
/// between: the layers alone are compared.
#[test]
fn layers_of_a_file_are_those_that_are_rounded_when_loaded() {
    let mut tiny = Tiny::new().with_modules();
    // Embeddings that rounding leaves alone: integers of which each row has ±127.
    let table = tiny.tensor("embeddings.word_embeddings.weight");
    for (i, x) in table.values.iter_mut().enumerate() {
        *x = if i % 52 == 0 { 127.0 } else { (i % 200) as f32 - 100.0 };
    }
    let directory = tiny.write();
    let (_directory, small) = target();
    quantize_model(directory.path(), &small).unwrap();
    let loaded = SentenceEncoder::builder().precision(Precision::Int8).load(directory.path());
    let texts = ["the cat sat on the mat.", "a dog", ""];
    let expected = loaded.unwrap().encode(&texts).unwrap();
    let encoder = SentenceEncoder::load(&small).unwrap();
    assert_eq!(bits(&encoder.encode(&texts).unwrap()), bits(&expected));
    let plain = encoder.model().plain().unwrap();
    let mut batch = minilm::model::Batch::default();
    batch.push(&[2, 5, 6, 3]);
    let mut scratch = minilm::model::Scratch::default();
    let fused = encoder.model().forward(&batch, &mut scratch).unwrap();
    let plain = plain.forward(&batch).unwrap();
    for i in 0..4 {
        assert_eq!(bits(fused.row(i)), bits(plain.hidden().row(i)), "token {i}");
    }
}

/// A small rounded directory.
fn small() -> (TempDir, std::path::PathBuf) {
    let (directory, small) = target();
    quantize_model(Tiny::new().with_modules().write().path(), &small).unwrap();
    (directory, small)
}

#[test]
fn another_precision_than_the_files_is_refused_with_what_to_do() {
    let (_directory, small) = small();
    for precision in [Precision::F32, Precision::Int16] {
        let error =
            SentenceEncoder::builder().precision(precision).load(&small).map(drop).unwrap_err();
        assert!(matches!(error, Error::Model(ModelError::Precision { .. })), "{error:?}");
        let message = message(&error);
        let wanted = format!("the weights are int8, not {precision}: ask for int8, or write them");
        assert!(message.contains(&wanted), "{message}");
    }
    assert!(SentenceEncoder::builder().precision(Precision::Int8).load(&small).is_ok());
}

#[test]
fn weights_are_rounded_once_and_widened_once() {
    let (_directory, small) = small();
    let (_other, target) = target();
    let error = message(&quantize_model(&small, &target).unwrap_err());
    assert!(error.contains("int8 already is not what can be read here"), "{error}");
    assert!(!target.exists(), "nothing is written");
    let floats = Tiny::new().with_modules().write();
    let error = message(&dequantize_model(floats.path(), &target).unwrap_err());
    assert!(error.contains("floats already"), "{error}");
    // A directory that is there is left alone.
    let error = quantize_model(floats.path(), small.parent().unwrap()).unwrap_err();
    assert!(matches!(error, Error::Write { .. }), "{error:?}");
}

/// A tensor of a file: type, shape and bytes.
type Stored = (Dtype, Vec<usize>, Vec<u8>);

/// Changes the weights and the metadata of a rounded directory, and gives the message of loading.
fn damaged(
    change: impl FnOnce(&mut HashMap<String, Stored>, &mut HashMap<String, String>),
) -> String {
    let (_directory, small) = small();
    rewrite(&small.join("model.safetensors"), change);
    message(&SentenceEncoder::load(&small).map(drop).expect_err("the directory is wrong"))
}

fn rewrite(
    path: &Path,
    change: impl FnOnce(&mut HashMap<String, Stored>, &mut HashMap<String, String>),
) {
    let bytes = fs::read(path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut notes = header.metadata().clone().unwrap_or_default();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut stored: HashMap<String, Stored> = tensors
        .iter()
        .map(|(name, view)| {
            (name.to_owned(), (view.dtype(), view.shape().to_vec(), view.data().to_vec()))
        })
        .collect();
    change(&mut stored, &mut notes);
    let views: Vec<_> = stored
        .iter()
        .map(|(name, (dtype, shape, data))| {
            (name.as_str(), TensorView::new(*dtype, shape.clone(), data).unwrap())
        })
        .collect();
    fs::write(path, safetensors::serialize(views, Some(notes)).unwrap()).unwrap();
}

#[test]
fn wrong_scales_shapes_weights_and_metadata_are_named() {
    let weight = "encoder.layer.0.output.dense.weight";
    let scale = "encoder.layer.0.output.dense.weight_scale";
    let cases: [(&str, String); 8] = [
        (
            "there is no tensor encoder.layer.0.output.dense.weight_scale",
            damaged(|tensors, _| drop(tensors.remove(scale))),
        ),
        (
            "has shape [104], but by config.json it is [52, 2]",
            damaged(|tensors, _| tensors.get_mut(scale).unwrap().1 = vec![104]),
        ),
        (
            "holds 0 at element 3, which rounding never gives",
            damaged(|tensors, _| tensors.get_mut(scale).unwrap().2[12..16].fill(0)),
        ),
        (
            "holds NaN at element 0",
            damaged(|tensors, _| tensors.get_mut(scale).unwrap().2[..4].fill(0xff)),
        ),
        (
            "holds -128 at element 5, which rounding never gives",
            damaged(|tensors, _| tensors.get_mut(weight).unwrap().2[5] = 0x80),
        ),
        (
            "tensor encoder.layer.0.output.dense.weight in U8 is not what can be read",
            damaged(|tensors, _| tensors.get_mut(weight).unwrap().0 = Dtype::U8),
        ),
        (
            "int8, form 2 is not what can be read here",
            damaged(|_, notes| drop(notes.insert("minilm.form".to_owned(), "2".to_owned()))),
        ),
        (
            "int4, form 1 is not what can be read here",
            damaged(|_, notes| {
                drop(notes.insert("minilm.precision".to_owned(), "int4".to_owned()))
            }),
        ),
    ];
    for (part, message) in cases {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
        assert!(message.contains("model.safetensors"), "{message:?}");
    }
}

#[test]
fn integers_without_metadata_are_not_taken_for_floats() {
    let message = damaged(|_, notes| notes.clear());
    assert!(message.contains("is I8, but only F64, F32, F16 and BF16"), "{message}");
}

#[test]
fn weights_that_are_not_finite_are_refused_by_name_in_every_precision() {
    for bad in [f32::NAN, f32::INFINITY] {
        let mut tiny = Tiny::new().with_modules();
        tiny.tensor("encoder.layer.1.intermediate.dense.weight").values[7] = bad;
        let directory = tiny.write();
        for precision in Precision::ALL {
            let builder = SentenceEncoder::builder().precision(precision);
            let error = builder.load(directory.path()).map(drop).unwrap_err();
            let message = message(&error);
            let wanted = "tensor encoder.layer.1.intermediate.dense.weight holds ";
            assert!(message.contains(wanted), "{precision}: {message}");
        }
        let (_other, target) = target();
        assert!(quantize_model(directory.path(), &target).is_err());
    }
}
