//! `minilm man`: manual pages, for packages of the program. `cargo xtask man` calls it; the help
//! does not list it.

use crate::error::Error;
use clap::{Args, Command};
use clap_mangen::{
    Man as Page,
    roff::{Roff, bold, roman},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Write a manual page for each command to DIR
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct Man {
    /// The directory, which is made if need be
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

/// What a program tells of itself beside its options: a heading, and terms with their meanings.
const SECTIONS: [(&str, &[(&str, &str)]); 3] = [
    (
        "EXIT STATUS",
        &[
            ("0", "The command succeeded."),
            ("1", "The command failed, or verify found a difference that is too large."),
            ("2", "The command line is wrong."),
            ("130", "Ctrl-C, kill or a closed terminal stopped the command before its end."),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            ("MINILM_MODEL", "The model, if --model does not name one."),
            ("MINILM_PRECISION", "The numbers of the linear layers, if --precision does not say."),
            ("MINILM_API_KEY", "The key that requests to `serve` need, if --api-key names none."),
            ("MINILM_LEVEL", "The instruction set, if --level does not name one."),
            (
                "SENTENCE_TRANSFORMERS_HOME, HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME",
                "Where models are looked up by name, in this order; then ~/.cache.",
            ),
            (
                "HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, SSL_CERT_FILE",
                "The server of models, a token for it, no downloads, and certificates to trust; \
                 only in a build with downloads.",
            ),
            ("TMPDIR", "Where vectors are while a command runs that holds them in no index."),
            ("COLUMNS, NO_COLOR, TERM", "The width of the terminal, and whether it has colours."),
        ],
    ),
    (
        "FILES",
        &[
            (
                "weights/all-MiniLM-L6-v2",
                "The model by default, in this directory, in one above it, or above the program.",
            ),
            (
                "~/.cache/huggingface/hub",
                "The models that Python and this program have downloaded.",
            ),
            (
                ".NAME.XXXXXX.tmp",
                "An output that is not complete yet, beside its place. The next run removes those \
                 of programs that were killed.",
            ),
        ],
    ),
];

/// Writes the pages of `program`, the whole command line.
pub(crate) fn run(program: Command, command: &Man) -> Result<(), Error> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let written = fs::create_dir_all(&command.directory)
        .and_then(|()| write_all(&program, &command.directory));
    written.map_err(|source| Error::Write { name: command.directory.display().to_string(), source })
}

/// Writes the page of a command, and those of its own commands that are not hidden.
fn write_all(command: &Command, directory: &Path) -> io::Result<()> {
    let page = Page::new(command.clone());
    let mut text = Vec::new();
    page.render(&mut text)?;
    let mut sections = Roff::new();
    for (heading, terms) in SECTIONS {
        sections.control("SH", [heading]);
        for (term, meaning) in terms {
            sections.control("TP", []).text([bold(*term)]).text([roman(*meaning)]);
        }
    }
    sections.to_writer(&mut text)?;
    fs::write(directory.join(page.get_filename()), text)?;
    let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    inner.into_iter().try_for_each(|inner| write_all(inner, directory))
}
