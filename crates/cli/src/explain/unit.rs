//! Small numbers as whole ones: `+43` in units of 0.001.

/// A power of ten in which the largest of some numbers has two or three digits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unit {
    /// The unit is 10^−digits.
    digits: usize,
    /// The largest number, to which shades are relative.
    largest: f64,
}

/// Shades on either side of nothing.
pub(super) const SHADES: usize = 6;

impl Unit {
    pub(super) fn of(numbers: impl Iterator<Item = f64>) -> Unit {
        let largest = numbers.map(f64::abs).fold(0.0, f64::max);
        let mut digits = 2;
        while digits < 9 && largest * 10_f64.powi(digits) < 20.0 {
            digits += 1;
        }
        Unit { digits: digits as usize, largest }
    }

    /// `0.001`
    pub(super) fn name(self) -> String {
        format!("{:.*}", self.digits, 10_f64.powi(-(self.digits as i32)))
    }

    /// `+43`, `-7`, or `0` for what rounds to nothing.
    pub(super) fn show(self, number: f64) -> String {
        match format!("{:+.0}", number * 10_f64.powi(self.digits as i32)).as_str() {
            "+0" | "-0" => "0".to_owned(),
            shown => shown.to_owned(),
        }
    }

    /// The number itself, to the unit: `+0.043`, or `0`.
    pub(super) fn decimal(self, number: f64) -> String {
        if self.show(number) == "0" { "0".to_owned() } else { format!("{number:+.*}", self.digits) }
    }

    /// From −[`SHADES`] to [`SHADES`]; 0 is less than half a shade.
    pub(super) fn shade(self, number: f64) -> i32 {
        if self.largest == 0.0 {
            return 0;
        }
        (number / self.largest * SHADES as f64).round().clamp(-(SHADES as f64), SHADES as f64)
            as i32
    }
}

#[cfg(test)]
mod tests {
    use super::{SHADES, Unit};

    #[test]
    fn numbers_have_two_or_three_digits() {
        for (largest, name, shown) in [
            (0.25, "0.01", "+25"),
            (0.0431, "0.001", "+43"),
            (1.9, "0.01", "+190"),
            (0.000_004, "0.0000001", "+40"),
        ] {
            let unit = Unit::of([0.0, -largest, largest / 2.0].into_iter());
            assert_eq!(unit.name(), name);
            assert_eq!(unit.show(largest), shown);
            assert_eq!(unit.show(-largest), shown.replace('+', "-"));
            assert!(
                (unit.decimal(largest).parse::<f64>().expect("a number") - largest).abs()
                    <= largest / 40.0
            );
            assert_eq!(unit.decimal(largest / 1000.0), "0");
        }
        assert_eq!(Unit::of([0.04].into_iter()).show(-0.0001), "0");
        assert_eq!(Unit::of([0.0].into_iter()).show(0.0), "0");
    }

    #[test]
    fn shades_have_the_sign_of_the_number() {
        let unit = Unit::of([0.5, -0.1].into_iter());
        assert_eq!(
            [0.5, -0.5, 2.0, 0.01, -0.1].map(|x| unit.shade(x)),
            [SHADES as i32, -(SHADES as i32), SHADES as i32, 0, -1]
        );
        assert_eq!(Unit::of([].into_iter()).shade(0.0), 0);
    }
}
