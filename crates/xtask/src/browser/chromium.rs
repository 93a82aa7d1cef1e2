//! Chromium without a window.

use super::network::Network;
use crate::{cargo, files};
use std::{
    env,
    ffi::OsString,
    fs::File,
    path::{Path, PathBuf},
    process::Command,
};

/// Names under which it is installed.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Pixels that a picture is high.
const HEIGHT: u32 = 1600;

/// The narrowest window that Chromium opens; narrower pages are shown in a frame.
const NARROWEST: u32 = 500;

/// `$CHROMIUM`, or the first that is on the path.
pub fn find() -> Option<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM").filter(|name| !name.is_empty()) {
        return Some(named.into());
    }
    let path = env::var_os("PATH")?;
    NAMES
        .iter()
        .flat_map(|name| env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

pub(super) struct Chromium {
    program: PathBuf,
    /// For its profile, for pictures, and for the pages.
    pub directory: PathBuf,
    network: Network,
}

/// The window and the colours in which a page is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub width: u32,
    pub dark: bool,
}

/// Rows of pixels: red, green, blue.
pub(super) struct Picture {
    pub pixels: Vec<[u8; 3]>,
}

impl Chromium {
    pub(super) fn new(program: PathBuf, directory: PathBuf) -> Result<Chromium, String> {
        Ok(Chromium { program, directory, network: Network::listen()? })
    }

    /// The document after its scripts ran.
    pub(super) fn document(&self, page: &Path) -> Result<String, String> {
        self.run(page, &["--dump-dom".into()])
    }

    /// The width of the page, overflow included, in a window `width` pixels wide.
    pub(super) fn width_at(&self, page: &Path, width: u32) -> Result<u32, String> {
        let measure = "f.onload = () => document.body.dataset.width = \
            f.contentDocument.documentElement.scrollWidth";
        let frame = self.frame(page, width, &format!("<script>{measure}</script>"))?;
        let document =
            self.run(&frame, &["--dump-dom".into(), "--allow-file-access-from-files".into()])?;
        let found = document
            .split_once("data-width=\"")
            .and_then(|(_, rest)| rest.split_once('"')?.0.parse().ok());
        found.ok_or_else(|| "it did not load in a frame".into())
    }

    /// A picture of the top of the page, and its file.
    pub(super) fn picture(&self, page: &Path, view: View) -> Result<(Picture, PathBuf), String> {
        let View { width, dark } = view;
        let shown = if width < NARROWEST { self.frame(page, width, "")? } else { page.to_owned() };
        let file =
            page.with_extension(format!("{width}-{}.png", if dark { "dark" } else { "light" }));
        let mut screenshot = OsString::from("--screenshot=");
        screenshot.push(&file);
        let mut options = vec![
            screenshot,
            format!("--window-size={},{HEIGHT}", width.max(NARROWEST)).into(),
            "--hide-scrollbars".into(),
        ];
        if dark {
            options.push("--blink-settings=preferredColorScheme=0".into());
        }
        self.run(&shown, &options)?;
        Ok((read(&file, width)?, file))
    }

    /// A page that shows another in a frame.
    fn frame(&self, page: &Path, width: u32, more: &str) -> Result<PathBuf, String> {
        let name = page.file_name().unwrap_or_default().to_string_lossy();
        let file = self.directory.join("frame.html");
        let style = format!("width: {width}px; height: {HEIGHT}px; border: 0");
        let frame = format!(
            "<!DOCTYPE html><body style=\"margin: 0\">\
             <iframe id=\"f\" src=\"{name}\" style=\"{style}\"></iframe>{more}"
        );
        files::write(&file, &frame)?;
        Ok(file)
    }

    /// Standard output of a run that neither the console nor the network has anything to say about.
    fn run(&self, page: &Path, options: &[OsString]) -> Result<String, String> {
        let log = self.directory.join("chromium.log");
        let mut command = Command::new(&self.program);
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ]);
        command.args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--enable-logging=stderr",
        ]);
        command
            .arg(format!("--proxy-server=127.0.0.1:{}", self.network.port))
            .arg("--proxy-bypass-list=<-loopback>");
        command.arg("--virtual-time-budget=5000").args(options);
        let mut profile = OsString::from("--user-data-dir=");
        profile.push(self.directory.join("profile"));
        let mut address = OsString::from("file://");
        address.push(page);
        command.arg(profile).arg(address);
        command.stderr(File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?);

        let printed = cargo::run(&mut command)?;
        let said = String::from_utf8_lossy(
            &std::fs::read(&log).map_err(|error| format!("{}: {error}", log.display()))?,
        )
        .into_owned();
        if let Some(message) = said.lines().find(|line| line.contains(":CONSOLE")) {
            return Err(format!("the console says {message}"));
        }
        match self.network.heard().first() {
            Some(request) => Err(format!("something asked for {request}")),
            None => Ok(printed),
        }
    }
}

/// The first `width` columns of a picture.
fn read(file: &Path, width: u32) -> Result<Picture, String> {
    let wrong = |reason: String| format!("{}: {reason}", file.display());
    let bytes = File::open(file).map_err(|error| wrong(error.to_string()))?;
    let mut decoder = png::Decoder::new(std::io::BufReader::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|error| wrong(error.to_string()))?;
    let mut data =
        vec![0; reader.output_buffer_size().ok_or_else(|| wrong("it is too large".into()))?];
    let info = reader.next_frame(&mut data).map_err(|error| wrong(error.to_string()))?;
    let channels = info.color_type.samples();
    if channels < 3 {
        return Err(wrong("it has no colours".into()));
    }
    let rows = data[..info.buffer_size()].chunks_exact(info.line_size);
    let row = |row: &[u8]| {
        row.chunks_exact(channels)
            .take(width as usize)
            .map(|p| [p[0], p[1], p[2]])
            .collect::<Vec<_>>()
    };
    Ok(Picture { pixels: rows.flat_map(row).collect() })
}
