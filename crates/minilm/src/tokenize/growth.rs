//! How much longer a tokenizer can make a text.
//!
//! ```text
//! Replace s → c      |c| / |s| times; a regular expression may match one byte
//! Sequence           the product of its steps
//! Prepend c          |c| bytes more
//! ```
//!
//! Twelve steps `a → aaaaaaaaaa` make 10¹² letters of one. A file of a few kilobytes could so take
//! all memory, and no catching of panics helps then. Steps of real tokenizers make a text a few
//! times longer: `" " → "▁"` three times.
//!
//! A `Precompiled` map begins with the size of its table, for which memory is reserved before it is
//! read.

use serde_json::Value;

/// How many times longer a text may become.
const TIMES: usize = 64;

/// Bytes that may be put before each text.
const BYTES: usize = 1 << 10;

/// Whether a `tokenizer.json` keeps texts at a bounded length; the reason if it does not. What is
/// no JSON is found out elsewhere.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let Ok(Value::Object(file)) = serde_json::from_slice(bytes) else { return Ok(()) };
    file.get("normalizer").map_or(Ok(()), check_normalizer)
}

/// The same for the file's `normalizer` alone.
pub(super) fn check_normalizer(normalizer: &Value) -> Result<(), String> {
    match times(normalizer)? {
        1..=TIMES => Ok(()),
        _ => Err(format!("its normalizer may make a text more than {TIMES} times longer")),
    }
}

/// How many times longer a normalizer may make a text.
fn times(normalizer: &Value) -> Result<usize, String> {
    let content = || normalizer["content"].as_str().unwrap_or_default().len();
    match normalizer["type"].as_str() {
        Some("Sequence") => {
            let steps = normalizer["normalizers"].as_array();
            let mut steps = steps.into_iter().flatten();
            steps.try_fold(1, |all: usize, step| Ok(all.saturating_mul(times(step)?)))
        }
        Some("Replace") => {
            let replaced = normalizer["pattern"]["String"].as_str().map_or(1, str::len).max(1);
            Ok(content().div_ceil(replaced).max(1))
        }
        Some("Prepend") if normalizer["prepend"].as_str().is_some_and(|it| it.len() > BYTES) => {
            Err(format!("its normalizer puts more than {BYTES} bytes before each text"))
        }
        Some("Precompiled") => {
            let map = normalizer["precompiled_charsmap"].as_str().unwrap_or_default();
            match table(map).is_none_or(|size| size <= map.len()) {
                true => Ok(1),
                false => Err("its character map says that it is longer than it is".to_owned()),
            }
        }
        _ => Ok(1),
    }
}

/// The first four bytes of a map in base64, the size of its table.
fn table(map: &str) -> Option<usize> {
    let digit = |letter: u8| match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let bits = map
        .as_bytes()
        .get(..6)?
        .iter()
        .try_fold(0_u64, |bits, &letter| Some(bits << 6 | u64::from(digit(letter)?)))?;
    let bytes = (bits >> 4).to_be_bytes(); // of 36 bits the first 32
    Some(u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize)
}

#[cfg(test)]
mod tests {
    use super::{check, table};
    use serde_json::json;

    fn reason(normalizer: serde_json::Value) -> String {
        let file = json!({ "normalizer": normalizer }).to_string();
        check(file.as_bytes()).err().unwrap_or_default()
    }

    #[test]
    fn steps_multiply() {
        let replace = |pattern: serde_json::Value, content: &str| {
            let mut step = json!({"type": "Replace", "content": content});
            step["pattern"] = pattern;
            step
        };
        let space = replace(json!({"String": " "}), "\u{2581}");
        let ten = replace(json!({"Regex": "a"}), "aaaaaaaaaa");
        let steps =
            |steps: Vec<serde_json::Value>| json!({"type": "Sequence", "normalizers": steps});
        assert_eq!(reason(serde_json::Value::Null), "");
        assert_eq!(reason(steps(vec![json!({"type": "NFKC"}), space.clone(), space])), "");
        assert_eq!(reason(ten.clone()), "");
        let nested = steps(vec![ten.clone(), steps(vec![ten])]);
        assert!(reason(nested).ends_with("more than 64 times longer"));
        assert_eq!(reason(replace(json!({"String": "abc"}), &"x".repeat(192))), "");
        assert!(!reason(replace(json!({"String": "abc"}), &"x".repeat(193))).is_empty());
        assert!(!reason(json!({"type": "Prepend", "prepend": "x".repeat(2000)})).is_empty());
    }

    #[test]
    fn a_map_that_lies_about_its_size_is_refused() {
        assert_eq!(table("AAEAAAAA"), Some(256)); // 00 01 00 00 …
        assert_eq!(table("/////w=="), Some(u32::MAX as usize));
        assert_eq!(table("AA"), None);
        let map = |map: &str| reason(json!({"type": "Precompiled", "precompiled_charsmap": map}));
        assert!(map("/////w==").contains("longer than it is"));
        assert_eq!(map(&format!("AAEAAA{}", "A".repeat(400))), "");
    }
}
