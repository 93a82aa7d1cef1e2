//! The pages of `minilm explain`, `map` and `trace` in a real browser.
//!
//! ```text
//! for each page, of ordinary and of ugly texts:
//!     the document, after its script ran   all elements, no section is empty, no number is NaN
//!     the console                          no error, nothing refused
//!     the network                          a proxy that answers nothing hears of no request
//!     pictures: light, dark, narrow, wide  not blank, light or dark as asked, nothing sticks out
//! pages with an error, a request, no content, a word too wide: each is found
//! ```
//!
//! It needs Chromium: `$CHROMIUM`, or one that is on the path.

mod checks;
mod chromium;
mod network;
mod pages;

use crate::{Outcome, cargo::Workspace, files};
pub use chromium::find as program;
use chromium::{Chromium, View};
use pages::Page;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Light and dark, narrow and wide.
const VIEWS: [View; 4] = [
    View { width: 1400, dark: false },
    View { width: 1400, dark: true },
    View { width: 400, dark: false },
    View { width: 400, dark: true },
];

pub fn check(workspace: &Workspace) -> Outcome {
    let Some(program) = chromium::find() else {
        let lack = "there is no chromium on the path, and CHROMIUM names none";
        return match std::env::var_os("MINILM_REQUIRE_BROWSER") {
            Some(_) => Err(lack.into()),
            None => Ok(format!("skipped: {lack}")),
        };
    };
    let directory = workspace.target.join("xtask/browser");
    let _ = fs::remove_dir_all(&directory); // of the last run, if there was one
    files::make_parent(&directory.join("page"))?;
    let chromium = Chromium::new(program, directory.clone())?;

    test_the_tester(&chromium)?;
    let pages = pages::write(workspace, &directory)?;
    let mut pictures = 0;
    for page in &pages {
        let wrong = |reason: String| format!("{}: {reason}", page.file.display());
        look(&chromium, page, &mut pictures).map_err(wrong)?;
    }
    Ok(format!("{} pages, {pictures} pictures in {}", pages.len(), directory.display()))
}

/// A page of `minilm map --search`, for a test of the npm package in `package`.
pub fn searched_map(workspace: &Workspace, package: &Path) -> Result<PathBuf, String> {
    pages::searched_map(workspace, package)
}

/// Everything about one page.
fn look(chromium: &Chromium, page: &Page, pictures: &mut usize) -> Result<(), String> {
    checks::document(&chromium.document(&page.file)?, page)?;
    let sticks_out = chromium.width_at(&page.file, 400)?;
    if sticks_out > 400 {
        return Err(format!("it is {sticks_out} pixels wide in a window of 400"));
    }
    for view in VIEWS {
        let (picture, file) = chromium.picture(&page.file, view)?;
        checks::picture(&picture, view)
            .map_err(|reason| format!("{reason}, see {}", file.display()))?;
        *pictures += 1;
    }
    Ok(())
}

/// Pages that are broken in one way each, and what is said of them.
fn test_the_tester(chromium: &Chromium) -> Result<(), String> {
    let text = "<section><h1>Words</h1><p>Enough of them to be seen as something that is not blank \
        at all.</p></section>";
    let dark = "<style>:root { color-scheme: light dark; }</style>";
    let cases = [
        ("fine", format!("{dark}{text}"), None),
        (
            "error",
            format!("{dark}{text}<script>thisIsNotDefined()</script>"),
            Some("is not defined"),
        ),
        (
            "request",
            format!("{dark}{text}<img src=\"http://elsewhere.test/x.png\">"),
            Some("elsewhere.test"),
        ),
        (
            "empty",
            format!("{dark}{text}<section id=\"nothing\"><h2></h2></section>"),
            Some("section nothing is empty"),
        ),
        ("nan", format!("{dark}{text}<p>NaN ms</p>"), Some("NaN")),
        ("blank", format!("{dark}<div style=\"color: transparent\">{text}</div>"), Some("blank")),
        (
            "wide",
            format!("{dark}{text}<p style=\"width: 900px\">too wide</p>"),
            Some("pixels wide"),
        ),
        (
            "always-light",
            format!("<style>body {{ background: #fff; color: #000; }}</style>{text}"),
            Some("dark"),
        ),
    ];
    for (name, body, expected) in cases {
        let file = chromium.directory.join(format!("tester-{name}.html"));
        files::write(
            &file,
            &format!("<!DOCTYPE html><meta charset=\"utf-8\"><title>{name}</title><body>{body}"),
        )?;
        let page = Page { file, expected: Vec::new() };
        match (look(chromium, &page, &mut 0), expected) {
            (Ok(()), None) => {}
            (Err(found), Some(expected)) if found.contains(expected) => {}
            (found, _) => {
                return Err(format!(
                    "the page {} should give {expected:?}, but gives {found:?}",
                    page.file.display()
                ));
            }
        }
    }
    Ok(())
}
