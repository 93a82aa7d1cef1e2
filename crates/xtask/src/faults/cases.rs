//! The commands that write files.

use super::lab::{Lab, Ran};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The files of a folder, by their path from it; folders end with `/` and have no bytes.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A command that writes, in a folder of its own.
pub struct Case {
    pub name: &'static str,
    pub arguments: Vec<&'static str>,
    pub folder: PathBuf,
    /// What is there before.
    pub old: Files,
    /// What is there when the command has succeeded.
    pub new: Files,
    /// What its standard output is then.
    pub stdout: Vec<u8>,
    /// What is there when it has been run once more, if it succeeds then.
    pub again: Option<Files>,
}

/// Name, command line, and the command line that makes the old state, if any. What they write is
/// the same each time, which a page with measured times is not.
const CASES: [(&str, &str, &str); 14] = [
    ("embed-npy", "embed -q -i ../in/texts.txt -o out.npy", "embed -q cat -o out.npy"),
    ("embed-jsonl", "embed -q -i ../in/texts.txt -o out.jsonl", "embed -q cat -o out.jsonl"),
    ("embed-stdout", "embed -q -i ../in/texts.txt -f csv", ""),
    ("index", "index -q ../in/texts.txt -o out.index", "index -q ../in/more.txt -o out.index"),
    (
        "append",
        "index -q --append ../in/more.txt -o out.index",
        "index -q ../in/texts.txt -o out.index",
    ),
    ("convert-csv", "convert -q ../in/texts.npy out.csv", "convert -q ../in/more.npy out.csv"),
    (
        "convert-safetensors",
        "convert -q ../in/texts.index out.safetensors",
        "convert -q ../in/more.npy out.safetensors",
    ),
    ("quantize", "quantize -q ../in/texts.npy -o out.npy", "quantize -q ../in/more.npy -o out.npy"),
    ("quantize-model", "quantize-model -q ../in/model -o out", ""),
    (
        "negatives",
        "negatives -q ../in/pairs.csv -n 1 -o out.csv",
        "convert -q ../in/more.npy out.csv",
    ),
    ("map", "map -q ../in/texts.txt --html out.html", "explain cat dog --html out.html -q"),
    ("explain", "explain -q cat mat --html out.html", "explain -q cat dog --html out.html"),
    ("train-head", "train -q --head ../in/labelled.csv -o out", ""),
    ("pairs", "pairs -q ../in/texts.txt -n 5", ""),
];

/// All of them, each run once without a fault.
pub fn all(lab: &Lab) -> Result<Vec<Case>, String> {
    let here = lab.root.join("in");
    for line in [
        "embed -q -i texts.txt -o texts.npy",
        "embed -q -i more.txt -o more.npy",
        "index -q texts.txt -o texts.index",
    ] {
        succeed(lab, &here, line)?;
    }
    CASES.iter().map(|(name, line, before)| Case::new(lab, name, line, before)).collect()
}

fn succeed(lab: &Lab, here: &Path, line: &str) -> Result<Ran, String> {
    let arguments: Vec<&str> = line.split(' ').collect();
    let ran = lab.run(here, &arguments)?;
    if !ran.status.success() {
        return Err(format!("minilm {line}: {}\n{}", ran.status, ran.stderr));
    }
    Ok(ran)
}

impl Case {
    fn new(
        lab: &Lab,
        name: &'static str,
        line: &'static str,
        before: &str,
    ) -> Result<Case, String> {
        let folder = lab.root.join(name);
        let _ = fs::remove_dir_all(&folder); // of the part before, if there was one
        make(&folder)?;
        if !before.is_empty() {
            succeed(lab, &folder, before)?;
        }
        let old = files(&folder)?;
        let stdout = succeed(lab, &folder, line)?.stdout;
        let new = files(&folder)?;
        let arguments: Vec<&'static str> = line.split(' ').collect();
        let again = lab.run(&folder, &arguments)?.status.success();
        let again = if again { Some(files(&folder)?) } else { None };
        Ok(Case { name, arguments, folder, old, new, stdout, again })
    }

    /// Makes the folder as it was before.
    pub fn restore(&self) -> Result<(), String> {
        fs::remove_dir_all(&self.folder)
            .map_err(|error| format!("{}: {error}", self.folder.display()))?;
        make(&self.folder)?;
        for (name, bytes) in &self.old {
            let path = self.folder.join(name);
            fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}

fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// The files of a folder and all below it.
pub fn files(folder: &Path) -> Result<Files, String> {
    let mut found = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let failed = |error| format!("{}: {error}", next.display());
        for entry in fs::read_dir(&next).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            if path.is_dir() {
                found.insert(name + "/", Vec::new());
                folders.push(path);
            } else {
                let bytes = fs::read(&path);
                found.insert(name, bytes.map_err(|error| format!("{}: {error}", path.display()))?);
            }
        }
    }
    Ok(found)
}
