//! The instructions of a loop, sorted by their purpose.

/// The purpose of an instruction of x86-64.
///
/// ```
/// use minilm_book::Kind;
///
/// let lines = ["vmovups (%rdx), %zmm1", "vfmadd231ps %zmm1, %zmm9, %zmm3", "again:"];
/// assert_eq!(Kind::of(lines[0]), Some(Kind::Load));
/// assert_eq!(Kind::count(lines.into_iter()), [1, 1, 0, 0, 0, 0, 0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A fused multiply-add on vectors.
    MultiplyAdd,
    /// A vector from memory.
    Load,
    /// A vector to memory.
    Store,
    /// A value into every lane of a vector.
    Broadcast,
    /// A hint that a cache line is needed soon.
    Prefetch,
    /// A comparison or a jump.
    Branch,
    /// Arithmetic on addresses and counters, and the rest.
    Other,
}

impl Kind {
    /// Those that follow from the source first.
    pub const ALL: [Kind; 7] = [
        Kind::MultiplyAdd,
        Kind::Load,
        Kind::Store,
        Kind::Broadcast,
        Kind::Prefetch,
        Kind::Branch,
        Kind::Other,
    ];

    /// The kind of one instruction; a label is none.
    pub fn of(line: &str) -> Option<Kind> {
        let (name, operands) =
            line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let vector = ["%zmm", "%ymm"].iter().any(|register| operands.contains(register));
        Some(match name {
            label if label.ends_with(':') => return None,
            _ if name.starts_with("vfmadd") => Kind::MultiplyAdd,
            _ if name.starts_with("vbroadcast") => Kind::Broadcast,
            _ if name.starts_with("prefetch") => Kind::Prefetch,
            _ if name.starts_with("vmov") && vector && operands.ends_with(')') => Kind::Store,
            _ if name.starts_with("vmov") && vector && operands.contains('(') => Kind::Load,
            _ if name.starts_with(['j', 'J'])
                || name.starts_with("cmp")
                || name.starts_with("test") =>
            {
                Kind::Branch
            }
            _ => Kind::Other,
        })
    }

    /// The number of instructions of each of [`Kind::ALL`].
    pub fn count<'a>(lines: impl Iterator<Item = &'a str> + Clone) -> [usize; 7] {
        Kind::ALL.map(|kind| lines.clone().filter(|line| Kind::of(line) == Some(kind)).count())
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn sums_that_go_to_the_stack_are_stores() {
        assert_eq!(Kind::of("	vmovups	%zmm3, 128(%rsp)"), Some(Kind::Store));
        assert_eq!(Kind::of("	vmovups	128(%rsp), %zmm3"), Some(Kind::Load));
        assert_eq!(Kind::of(".LBB1_3:"), None);
    }
}
