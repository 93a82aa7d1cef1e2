//! The records, and their fields with a name in every error.

use crate::files;
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};

/// Every JSON file of every machine, and, under no machine, those of the folder itself, which are
/// the same for each.
#[derive(Default)]
pub struct Records(BTreeMap<(String, String), Value>);

/// A table or a plot: its name, the record that it is made from, and the function that makes it.
pub struct Maker {
    pub name: &'static str,
    pub record: &'static str,
    pub make: fn(&Value) -> Result<String, String>,
}

impl Records {
    /// `folder` holds a folder for each machine; no folder is no records.
    pub fn read(folder: &Path) -> Result<Records, String> {
        let mut records = Records::default();
        let list = |folder: &Path| {
            fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
        };
        let name =
            |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let machines = list(folder).filter(|path| path.is_dir()).map(|path| (name(&path), path));
        for (machine, folder) in machines.chain([(String::new(), folder.to_owned())]) {
            for file in list(&folder)
                .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            {
                records.0.insert((machine.clone(), name(&file)), files::read_json(&file)?);
            }
        }
        Ok(records)
    }

    pub fn get(&self, machine: &str, record: &str) -> Option<&Value> {
        let of = |machine: &str| self.0.get(&(machine.to_owned(), record.to_owned()));
        of(machine).or_else(|| of(""))
    }

    #[cfg(test)]
    pub fn of(machine: &str, records: &[(&str, Value)]) -> Records {
        Records(
            records
                .iter()
                .map(|(name, value)| ((machine.to_owned(), (*name).to_owned()), value.clone()))
                .collect(),
        )
    }
}

impl Maker {
    /// The result for the machine's record, if there is one.
    pub fn of(&self, records: &Records, machine: &str) -> Result<Option<String>, String> {
        let made = records.get(machine, self.record).map(self.make).transpose();
        made.map_err(|error| format!("{} from {machine}/{}.json: {error}", self.name, self.record))
    }
}

/// A number; `field` may be a path: `ceilings/flops_per_second`.
pub fn number(value: &Value, field: &str) -> Result<f64, String> {
    let found = value.pointer(&format!("/{field}")).and_then(Value::as_f64);
    found.ok_or_else(|| format!("{field} is no number"))
}

/// A string, or a number as one.
pub fn string(value: &Value, field: &str) -> Result<String, String> {
    match value.pointer(&format!("/{field}")) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(format!("{field} is no string")),
    }
}

/// A list that is not empty.
pub fn list<'a>(value: &'a Value, field: &str) -> Result<&'a [Value], String> {
    let found = value.pointer(&format!("/{field}")).and_then(Value::as_array);
    found
        .filter(|list| !list.is_empty())
        .map(Vec::as_slice)
        .ok_or_else(|| format!("{field} is no list of anything"))
}

/// The results of `value` for the entries, each once, in the order in which they come.
pub fn unique<E, T: PartialEq>(
    list: &[E],
    value: impl Fn(&E) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let mut seen = Vec::new();
    for entry in list {
        let value = value(entry)?;
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_that_is_missing_is_named() {
        let value = json!({ "a": { "b": 1.5 }, "c": [], "d": "x" });
        assert_eq!(number(&value, "a/b"), Ok(1.5));
        assert_eq!(number(&value, "a/x").unwrap_err(), "a/x is no number");
        assert_eq!(string(&value, "d").as_deref(), Ok("x"));
        assert_eq!(string(&value, "a/b").as_deref(), Ok("1.5"));
        assert_eq!(list(&value, "c").unwrap_err(), "c is no list of anything");
    }

    #[test]
    fn records_are_found_by_machine_and_name() {
        let folder = std::env::temp_dir().join(format!("minilm-records-{}", std::process::id()));
        fs::create_dir_all(folder.join("here")).unwrap();
        fs::write(folder.join("here/bench.json"), "{\"x\": 1}").unwrap();
        fs::write(folder.join("counts.json"), "{\"y\": 2}").unwrap();
        let records = Records::read(&folder);
        fs::remove_dir_all(&folder).unwrap();
        let records = records.unwrap();
        assert_eq!(records.get("here", "bench"), Some(&json!({ "x": 1 })));
        assert_eq!(records.get("here", "counts"), Some(&json!({ "y": 2 })));
        assert_eq!(records.get("here", "peers"), None);
        assert_eq!(records.get("there", "bench"), None);
    }
}
