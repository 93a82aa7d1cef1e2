//! Blocks in Markdown that are made by a program.

/// The text with every block replaced by what `make` returns for its name; a block for which that
/// is `None` stays as it is.
pub fn replace(
    text: &str,
    mut make: impl FnMut(&str) -> Result<Option<String>, String>,
) -> Result<String, String> {
    let mut result = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').enumerate();
    while let Some((number, line)) = lines.next() {
        result.push_str(line);
        let Some(name) =
            line.trim().strip_prefix("<!-- report: ").and_then(|rest| rest.strip_suffix(" -->"))
        else {
            continue;
        };
        let mut old = String::new();
        let end = loop {
            match lines.next() {
                Some((_, line)) if line.trim() == "<!-- /report -->" => break line,
                Some((_, line)) if !line.trim().starts_with("<!-- report:") => old.push_str(line),
                _ => {
                    return Err(format!(
                        "the block {name:?} in line {} has no <!-- /report -->",
                        number + 1
                    ));
                }
            }
        };
        match make(name)? {
            // Markdown needs an empty line between a comment and a table.
            Some(new) => result.push_str(&format!("\n{}\n\n", new.trim_end())),
            None => result.push_str(&old),
        }
        result.push_str(end);
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::replace;

    const PAGE: &str = "a\n<!-- report: one -->\nold\n<!-- /report -->\nb\n<!-- report: two x -->\n\
        kept\n<!-- /report -->\n";

    #[test]
    fn a_block_is_replaced_and_what_is_around_it_stays() {
        let made = replace(PAGE, |name| Ok((name == "one").then(|| "| new |\n".to_owned())));
        let expected = PAGE.replace("old\n", "\n| new |\n\n");
        assert_eq!(made.as_deref(), Ok(expected.as_str()));
        let again = replace(&expected, |name| Ok((name == "one").then(|| "| new |\n".to_owned())));
        assert_eq!(again, made, "a second time changes nothing");
    }

    #[test]
    fn names_come_with_what_follows_them() {
        let mut names = Vec::new();
        let text = replace(PAGE, |name| {
            names.push(name.to_owned());
            Ok(None)
        });
        assert_eq!(
            (names, text.as_deref()),
            (vec!["one".to_owned(), "two x".to_owned()], Ok(PAGE))
        );
    }

    #[test]
    fn a_block_without_an_end_is_an_error() {
        for page in [
            "x\n<!-- report: one -->\ny\n",
            "x\n<!-- report: one -->\n<!-- report: two -->\n<!-- /report -->\n",
        ] {
            let error = replace(page, |_| Ok(None)).unwrap_err();
            assert_eq!(error, "the block \"one\" in line 2 has no <!-- /report -->");
        }
        assert_eq!(replace(PAGE, |name| Err(name.to_owned())).unwrap_err(), "one");
    }
}
