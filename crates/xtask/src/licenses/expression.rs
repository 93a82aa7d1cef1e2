//! Licence expressions of SPDX, as far as packages have them.
//!
//! ```text
//! any  = all { ("OR" | "/") all }
//! all  = one { ("AND" | "WITH") one }
//! one  = "(" any ")" | NAME
//! ```

/// A licence, or several.
#[derive(Debug, PartialEq)]
pub enum Expression {
    Name(String),
    /// Those of them that the user of the package chooses.
    Any(Vec<Expression>),
    /// Each of them, also an exception to the one before.
    All(Vec<Expression>),
}

impl Expression {
    /// Reads an expression; `None` if it is none.
    pub fn parse(text: &str) -> Option<Expression> {
        let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut rest = &words[..];
        let expression = any(&mut rest)?;
        rest.is_empty().then_some(expression)
    }

    /// Whether the package may be used under licences that are all `known`.
    pub fn allows(&self, known: &impl Fn(&str) -> bool) -> bool {
        match self {
            Expression::Name(name) => known(name),
            Expression::Any(parts) => parts.iter().any(|part| part.allows(known)),
            Expression::All(parts) => parts.iter().all(|part| part.allows(known)),
        }
    }
}

fn any(rest: &mut &[&str]) -> Option<Expression> {
    let mut parts = vec![all(rest)?];
    while take(rest, &["OR"]) {
        parts.push(all(rest)?);
    }
    Some(Expression::Any(parts))
}

fn all(rest: &mut &[&str]) -> Option<Expression> {
    let mut parts = vec![one(rest)?];
    while take(rest, &["AND", "WITH"]) {
        parts.push(one(rest)?);
    }
    Some(Expression::All(parts))
}

fn one(rest: &mut &[&str]) -> Option<Expression> {
    if take(rest, &["("]) {
        let inner = any(rest)?;
        return take(rest, &[")"]).then_some(inner);
    }
    let (&name, after) = rest.split_first()?;
    *rest = after;
    let is_name = !["OR", "AND", "WITH", "(", ")"].contains(&name);
    is_name.then(|| Expression::Name(name.to_owned()))
}

/// Goes over the next word if it is one of these.
fn take(rest: &mut &[&str], words: &[&str]) -> bool {
    match rest.split_first() {
        Some((word, after)) if words.contains(word) => {
            *rest = after;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Expression;

    #[test]
    fn a_choice_needs_one_licence_and_a_sum_all() {
        for (text, mit, both) in [
            ("MIT", true, true),
            ("Apache-2.0/MIT", true, true),
            ("MIT AND Unicode-3.0", false, false),
            ("(MIT OR Apache-2.0) AND BSD-3-Clause", false, false),
            ("MIT OR GPL-3.0", true, true),
            ("GPL-3.0 AND MIT OR Apache-2.0", false, true),
            ("Apache-2.0 WITH LLVM-exception", false, false),
        ] {
            let expression = Expression::parse(text).expect(text);
            assert_eq!(expression.allows(&|name| name == "MIT"), mit, "{text}");
            let known = |name: &str| ["MIT", "Apache-2.0"].contains(&name);
            assert_eq!(expression.allows(&known), both, "{text}");
        }
        for wrong in ["", "MIT OR", "(MIT", "MIT)", "AND MIT", "MIT Apache-2.0"] {
            assert_eq!(Expression::parse(wrong), None, "{wrong}");
        }
    }
}
