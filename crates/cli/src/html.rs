//! Pages from templates.
//!
//! A template is an HTML file with `{{name}}` in the place of a value. A value is markup, and every
//! part of it that comes from outside goes through [`escape`]. A value is never searched for names,
//! so a text may hold `{{name}}` too.
//!
//! The pages load nothing from elsewhere, and their content security policy forbids it.

/// The style of all pages.
pub(crate) const STYLE: &str = include_str!("html/style.css");

/// `text` as HTML shows it, between tags or in quotes. Control characters, which HTML forbids,
/// become U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\n' | '\t' => html.push(c),
            c if c.is_control() => html.push(char::REPLACEMENT_CHARACTER),
            c => html.push(c),
        }
    }
    html
}

/// A word piece; the continuation mark is less visible. Its direction does not spread to what is
/// around it.
pub(crate) fn token(token: &str) -> String {
    match token.strip_prefix("##") {
        Some(rest) if !rest.is_empty() => format!("<bdi><i>##</i>{}</bdi>", escape(rest)),
        _ => format!("<bdi>{}</bdi>", escape(token)),
    }
}

/// The template with every `{{name}}` replaced by its value.
///
/// # Panics
/// If a name has no value or a value no place: the templates are part of the program.
pub(crate) fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut page = String::new();
    let mut used = vec![false; values.len()];
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").expect("every {{ has its }}");
        let which = values
            .iter()
            .position(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("{name} has no value"));
        used[which] = true;
        page.push_str(before);
        page.push_str(&values[which].1);
        rest = after;
    }
    assert!(used.iter().all(|&used| used), "a value has no place: {used:?}");
    page + rest
}

/// A number with a real minus sign.
pub(crate) fn signed(number: &str) -> String {
    number.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::{escape, fill, token};

    #[test]
    fn nothing_of_a_text_is_markup() {
        let nasty = "<script>alert('1')</script> & \"quotes\" \0 \u{1b}";
        let safe = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; \
            &quot;quotes&quot; \u{fffd} \u{fffd}";
        assert_eq!(escape(nasty), safe);
        assert_eq!(token("##<b>"), "<bdi><i>##</i>&lt;b&gt;</bdi>");
        assert_eq!(token("##"), "<bdi>##</bdi>");
    }

    #[test]
    fn values_are_not_searched_for_names() {
        let values = [("a", "{{b}}".to_owned()), ("b", "2".to_owned())];
        assert_eq!(fill("{{a}}, {{b}}, {{a}}", &values), "{{b}}, 2, {{b}}");
    }

    #[test]
    #[should_panic(expected = "c has no value")]
    fn a_place_without_a_value_is_found() {
        fill("{{c}}", &[("a", String::new())]);
    }

    #[test]
    #[should_panic(expected = "a value has no place")]
    fn a_value_without_a_place_is_found() {
        fill("", &[("a", String::new())]);
    }
}
