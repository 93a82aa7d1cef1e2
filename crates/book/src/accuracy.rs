//! Tables of numbers that are the same on every machine: the largest errors of functions, and the
//! quality of the vectors.

use crate::{
    figures::ulps,
    records::{list, number, string},
    table::Table,
};
use minilm_kernels::{Level, exp::exp_slice, gelu::gelu_slice, naive};
use serde_json::Value;

/// The largest errors over all floats. Each is computed again at its input: a table of another
/// kernel is an error.
pub fn errors(record: &Value) -> Result<String, String> {
    let mut table = Table::new(["function", "range", "largest error", "at"]).left(2);
    for entry in list(record, "errors")? {
        let (function, unit, recorded) =
            (string(entry, "function")?, string(entry, "unit")?, number(entry, "error")?);
        let bits = string(entry, "bits")?;
        let x = f32::from_bits(
            u32::from_str_radix(&bits, 16).map_err(|error| format!("{bits:?}: {error}"))?,
        );
        let now = error(&function, &unit, x)?;
        if (now / recorded - 1.0).abs() > 1e-3 {
            return Err(format!(
                "{function}({x:e}): the error is {now:e} ({unit}), recorded {recorded:e}: cargo \
                 xtask errors"
            ));
        }
        let shown =
            if unit == "ULP" { format!("{recorded:.3} ULP") } else { format!("{recorded:.1e}") };
        table.row([function, string(entry, "range")?, shown, format!("{x:.3}")]);
    }
    Ok(table.text())
}

/// The kernel's error at x.
fn error(function: &str, unit: &str, x: f32) -> Result<f64, String> {
    let mut y = [x];
    let truth = match function {
        "exp" => {
            exp_slice(Level::detect(), &mut y);
            f64::from(x).exp()
        }
        "gelu" => {
            gelu_slice(Level::detect(), &mut y);
            naive::gelu(x.into())
        }
        _ => return Err(format!("no function is called {function:?}")),
    };
    Ok(if unit == "ULP" { ulps(y[0], truth) } else { (f64::from(y[0]) - truth).abs() })
}

/// Correlation with human scores, ours and the original's.
pub fn sts(record: &Value) -> Result<String, String> {
    let pairs = string(record, "pairs")?;
    let mut table = Table::new([format!("{pairs} pairs").as_str(), "Spearman", "Pearson"]).left(1);
    for engine in list(record, "engines")? {
        let percent =
            |field: &str| Ok::<_, String>(format!("{:.2}", 100.0 * number(engine, field)?));
        table.row([string(engine, "name")?, percent("spearman")?, percent("pearson")?]);
    }
    Ok(table.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(error: f64) -> Value {
        json!({
            "errors": [{ "function": "gelu", "range": "x < −4", "unit": "absolute", "error": error,
            "bits": format!("{:08x}", (-6.75f32).to_bits()) }]
        })
    }

    #[test]
    fn an_error_is_shown_if_it_is_what_the_kernel_has() {
        let now = error("gelu", "absolute", -6.75).unwrap();
        let expected = format!("| gelu | x < −4 | {now:.1e} | -6.750 |\n");
        assert!(errors(&entry(now)).unwrap().ends_with(&expected));
        let stale = errors(&entry(2.0 * now)).unwrap_err();
        assert!(
            stale.starts_with("gelu(-6.75e0): the error is ")
                && stale.ends_with("cargo xtask errors"),
            "{stale}"
        );
        assert_eq!(error("sin", "ULP", 0.0).unwrap_err(), "no function is called \"sin\"");
    }

    #[test]
    fn coefficients_are_percentages() {
        let engine = json!({ "name": "minilm", "spearman": 0.867_163, "pearson": 0.869_6 });
        let text = sts(&json!({ "pairs": 1500, "engines": [engine] })).unwrap();
        assert!(text.starts_with("| 1500 pairs | Spearman | Pearson |\n"), "{text}");
        assert!(text.ends_with("| minilm | 86.72 | 86.96 |\n"), "{text}");
    }
}
