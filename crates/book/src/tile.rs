//! The innermost loop of GEMM as a block of text, each part with a remark, and its instructions
//! counted.

use crate::{
    instructions::Kind,
    records::{list, string},
};
use serde_json::Value;

/// The loop up to the first row of x, then its end, and the numbers of instructions.
pub fn excerpt(record: &Value) -> Result<String, String> {
    let lines = list(record, "loop")?
        .iter()
        .map(|line| line.as_str().ok_or("loop is no list of lines".to_owned()));
    let lines = lines.collect::<Result<Vec<&str>, _>>()?;
    let [multiply_adds, loads, stores, broadcasts, prefetches, branches, others] =
        Kind::count(lines.iter().copied());
    let place = |kind| lines.iter().position(|line| Kind::of(line) == Some(kind));
    let last = lines.iter().rposition(|line| Kind::of(line) == Some(Kind::MultiplyAdd));
    let (Some(first), Some(last)) = (place(Kind::MultiplyAdd), last) else {
        return Err("loop has no multiply-adds".into());
    };
    let row =
        lines[first..].iter().take_while(|line| Kind::of(line) == Some(Kind::MultiplyAdd)).count();

    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        match at {
            _ if at < first + row || at > last => text.push_str(&remarked(&lines, at, line)),
            _ if at == last => text.push_str(&format!(
                "    …                                    {} more rows of x\n",
                broadcasts - 1
            )),
            _ => {}
        }
    }
    let parts = [
        (multiply_adds, "multiply-adds"),
        (loads, "vector loads"),
        (stores, "vector stores"),
        (broadcasts, "broadcasts"),
        (prefetches, "prefetches"),
        (branches, "comparisons and jumps"),
        (others, "others, for addresses and counters"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|part| part.0 > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    Ok(format!(
        "```text\n{text}```\n\nAll of it: {}. ({}.)\n",
        parts.join(", "),
        string(record, "rustc")?
    ))
}

/// A line, with a remark where instructions of its kind begin.
fn remarked(lines: &[&str], at: usize, line: &str) -> String {
    let Some(kind) = Kind::of(line) else { return format!("{line}\n") };
    let (name, operands) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let line = format!("    {name:13}{operands}");
    if at > 0 && Kind::of(lines[at - 1]) == Some(kind) {
        return format!("{line}\n");
    }
    let run = lines[at..].iter().take_while(|line| Kind::of(line) == Some(kind)).count();
    let remark = match kind {
        Kind::MultiplyAdd => format!("{run} multiply-adds"),
        Kind::Load => format!("{run} vectors of the panel"),
        Kind::Broadcast => "a value of x, sixteen times".to_owned(),
        Kind::Prefetch => format!("{run} lines of the weights that come next"),
        Kind::Store => format!("{run} vectors to memory"),
        Kind::Branch if at + run == lines.len() => "the next k".to_owned(),
        Kind::Branch => "comparisons and jumps".to_owned(),
        Kind::Other => "an address or a counter".to_owned(),
    };
    format!("{line:41}{remark}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_after_the_first_are_left_out() {
        let row = ["vbroadcastss\t(%r8), %zmm9", "vfmadd231ps\t%zmm1, %zmm9, %zmm3"];
        let lines = [
            &["again:", "vmovups\t(%rdx), %zmm1"][..],
            &row,
            &row,
            &row,
            &["incq\t%rax", "jne\tagain"],
        ]
        .concat();
        let expected = "\
```text
again:
    vmovups      (%rdx), %zmm1           1 vectors of the panel
    vbroadcastss (%r8), %zmm9            a value of x, sixteen times
    vfmadd231ps  %zmm1, %zmm9, %zmm3     1 multiply-adds
    …                                    2 more rows of x
    incq         %rax                    an address or a counter
    jne          again                   the next k
```

All of it: 3 multiply-adds, 1 vector loads, 3 broadcasts, 1 comparisons and jumps, 1 others, for \
addresses and counters. (rustc 1.)
";
        assert_eq!(excerpt(&json!({ "rustc": "rustc 1", "loop": lines })).as_deref(), Ok(expected));
    }

    #[test]
    fn a_loop_without_multiply_adds_is_an_error() {
        assert_eq!(
            excerpt(&json!({ "rustc": "", "loop": ["incq\t%rax"] })).unwrap_err(),
            "loop has no multiply-adds"
        );
    }
}
