//! The types of numbers in a NumPy array.

/// A type of number, and which of its bytes comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dtype {
    kind: Kind,
    big_end_first: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    F32,
    F64,
}

impl Dtype {
    /// By the name that NumPy writes, such as `<f4`.
    pub(super) fn of(name: &str) -> Option<Dtype> {
        let (order, kind) = name.split_at_checked(1)?;
        let big_end_first = match order {
            ">" => true,
            "<" | "|" => false,
            _ => return None,
        };
        let kind = match kind {
            "b1" => Kind::Bool,
            "i1" => Kind::I8,
            "i2" => Kind::I16,
            "i4" => Kind::I32,
            "i8" => Kind::I64,
            "u1" => Kind::U8,
            "u2" => Kind::U16,
            "u4" => Kind::U32,
            "u8" => Kind::U64,
            "f2" => Kind::F16,
            "f4" => Kind::F32,
            "f8" => Kind::F64,
            _ => return None,
        };
        Some(Dtype { kind, big_end_first })
    }

    /// Bytes of a number.
    pub(super) fn size(self) -> usize {
        match self.kind {
            Kind::Bool | Kind::I8 | Kind::U8 => 1,
            Kind::I16 | Kind::U16 | Kind::F16 => 2,
            Kind::I32 | Kind::U32 | Kind::F32 => 4,
            Kind::I64 | Kind::U64 | Kind::F64 => 8,
        }
    }

    /// The numbers, each as the nearest `f32`.
    pub(super) fn values(self, bytes: &[u8]) -> Vec<f32> {
        match self.kind {
            Kind::Bool => bytes.iter().map(|&byte| f32::from(u8::from(byte != 0))).collect(),
            Kind::I8 => bytes.iter().map(|&byte| f32::from(byte as i8)).collect(),
            Kind::U8 => bytes.iter().map(|&byte| f32::from(byte)).collect(),
            Kind::I16 => self.numbers(bytes, |bytes| f32::from(i16::from_le_bytes(bytes))),
            Kind::U16 => self.numbers(bytes, |bytes| f32::from(u16::from_le_bytes(bytes))),
            Kind::F16 => self.numbers(bytes, |bytes| half(u16::from_le_bytes(bytes))),
            Kind::I32 => self.numbers(bytes, |bytes| i32::from_le_bytes(bytes) as f32),
            Kind::U32 => self.numbers(bytes, |bytes| u32::from_le_bytes(bytes) as f32),
            Kind::F32 => self.numbers(bytes, f32::from_le_bytes),
            Kind::I64 => self.numbers(bytes, |bytes| i64::from_le_bytes(bytes) as f32),
            Kind::U64 => self.numbers(bytes, |bytes| u64::from_le_bytes(bytes) as f32),
            Kind::F64 => self.numbers(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
        }
    }

    /// Numbers of `N` bytes, which are given little end first.
    fn numbers<const N: usize>(self, bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        let ordered = |&bytes: &[u8; N]| {
            let mut bytes = bytes;
            if self.big_end_first {
                bytes.reverse();
            }
            number(bytes)
        };
        bytes.as_chunks().0.iter().map(ordered).collect()
    }
}

/// The value of a float16 with these bits: a sign, 5 bits of exponent and 10 of fraction.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f32.powi(-24), // subnormal
        0x1f if fraction == 0.0 => f32::INFINITY,
        0x1f => f32::NAN,
        _ => (1024.0 + fraction) * 2_f32.powi(exponent - 25),
    };
    sign * size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_float16_has_its_value() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0x3555, 0.333_251_95),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(half(bits).to_bits(), f32::to_bits(value), "{bits:x}");
        }
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn numbers_of_both_orders_are_read() {
        let values = |name: &str, bytes: &[u8]| Dtype::of(name).expect("a name").values(bytes);
        assert_eq!(values("<i2", &[1, 2]), [513.0]);
        assert_eq!(values(">i2", &[1, 2]), [258.0]);
        assert_eq!(values("|i1", &[255]), [-1.0]);
        assert_eq!(values("|b1", &[0, 1]), [0.0, 1.0]);
        assert_eq!(values(">f8", &1.5_f64.to_be_bytes()), [1.5]);
        assert_eq!(values("<u8", &u64::MAX.to_le_bytes()), [2_f32.powi(64)]);
    }
}
