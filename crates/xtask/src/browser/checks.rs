//! The checks of a document and of a picture.

use super::{
    chromium::{Picture, View},
    pages::Page,
};
use std::collections::HashMap;

/// Words that only a mistake shows.
const MISTAKES: [&str; 3] = ["NaN", "undefined", "Infinity"];

/// Letters of a section that says something.
const SOMETHING: usize = 20;

pub(super) fn document(dom: &str, page: &Page) -> Result<(), String> {
    for (count, what) in &page.expected {
        let found = dom.matches(what.as_str()).count();
        if found != *count {
            return Err(format!("there should be {count} of {what}, but there are {found}"));
        }
    }
    let body = dom.split_once("<body").map_or(dom, |(_, body)| body);
    let visible = text(body);
    if let Some(mistake) = MISTAKES.iter().find(|mistake| visible.contains(**mistake)) {
        let at = visible.find(*mistake).unwrap_or_default();
        let context: String = visible[at..].chars().take(60).collect();
        return Err(format!("it says {context:?}"));
    }
    let mut sections = 0;
    for section in dom.split("<section").skip(1) {
        let (tag, rest) = section.split_once('>').unwrap_or_default();
        let name = tag
            .split_once("id=\"")
            .and_then(|(_, rest)| rest.split('"').next())
            .unwrap_or_default();
        let said = text(rest.split("</section>").next().unwrap_or_default());
        if said.chars().filter(|c| c.is_alphanumeric()).count() < SOMETHING {
            return Err(format!("section {name} is empty"));
        }
        sections += 1;
    }
    if sections == 0 { Err("there are no sections".into()) } else { Ok(()) }
}

/// The text between tags, without scripts and styles.
fn text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        let hidden = ["script", "style"].into_iter().find(|name| tag.starts_with(name));
        let after =
            hidden.and_then(|name| tag.split_once(&format!("</{name}")).map(|(_, after)| after));
        rest = after.unwrap_or(tag).split_once('>').map_or("", |(_, after)| after);
    }
    text + rest
}

/// Colours, and no single one everywhere; light on average where the reader wants light, dark where
/// dark.
pub(super) fn picture(picture: &Picture, view: View) -> Result<(), String> {
    let mut counts: HashMap<[u8; 3], usize> = HashMap::new();
    picture.pixels.iter().for_each(|pixel| *counts.entry(*pixel).or_default() += 1);
    let most = counts.values().max().copied().unwrap_or(0);
    if counts.len() < 8 || most * 1000 > picture.pixels.len() * 999 {
        return Err(format!("the picture {view:?} is blank"));
    }
    let sum: usize = picture.pixels.iter().flatten().map(|&x| usize::from(x)).sum();
    let mean = sum / (3 * picture.pixels.len());
    match (view.dark, mean) {
        (true, 90..) => Err(format!("the picture {view:?} is not dark: {mean} of 255")),
        (false, ..=165) => Err(format!("the picture {view:?} is not light: {mean} of 255")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{document, text};
    use crate::browser::pages::Page;

    #[test]
    fn text_is_what_a_reader_sees() {
        let html = "a<b title=\"x\">c</b><style>d { e }</style>f<script type=\"text/plain\">g < h\
            </script>i";
        assert_eq!(text(html).split_whitespace().collect::<Vec<_>>(), ["a", "c", "f", "i"]);
    }

    #[test]
    fn elements_are_counted() {
        let page = |count| Page { file: "x".into(), expected: vec![(count, "<td>".to_owned())] };
        let dom = "<body><section><td>words enough to say something<td></section>";
        assert_eq!(document(dom, &page(2)), Ok(()));
        assert_eq!(
            document(dom, &page(3)),
            Err("there should be 3 of <td>, but there are 2".to_owned())
        );
    }
}
