//! Texts and options in one buffer.
//!
//! ```text
//! u32 n │ n lengths in bytes, u32 │ UTF-8 of all, end to end
//! ```
//!
//! The first of the n is the options in JSON.

/// The parts of a buffer; what is wrong with it, which is a bug of the caller.
pub fn parts(buffer: &[u8]) -> Result<Vec<&str>, String> {
    let (words, _) = buffer.as_chunks::<4>();
    let number = |at: usize| words.get(at).map(|word| u32::from_le_bytes(*word) as usize);
    let n = number(0).ok_or("a buffer without a number of texts")?;
    let mut rest = n
        .checked_add(1)
        .and_then(|words| buffer.get(words.checked_mul(4)?..))
        .ok_or_else(|| format!("a buffer without the lengths of {n} texts"))?;
    let mut parts = Vec::with_capacity(n);
    for i in 1..=n {
        let length = number(i).unwrap_or_default();
        let (text, behind) = rest
            .split_at_checked(length)
            .ok_or_else(|| format!("a buffer that ends in text {i}"))?;
        parts.push(str::from_utf8(text).map_err(|error| format!("text {i}: {error}"))?);
        rest = behind;
    }
    Ok(parts)
}
