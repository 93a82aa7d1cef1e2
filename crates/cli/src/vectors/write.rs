//! Writing vectors.

use super::{Kind, Row};
use crate::{
    error::Error,
    output::{Target, npy_header},
};
use serde::Serialize;
use std::{
    io::{self, Seek, SeekFrom, Write},
    path::Path,
};

/// Bytes of a safetensors header, its length among them.
const HEADER: usize = 256;

/// A line of jsonl.
#[derive(Serialize)]
struct Object<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    embedding: &'a [f32],
}

/// A file of vectors that appears when it is complete.
pub(crate) struct Writer {
    name: String,
    kind: Kind,
    target: Target,
    rows: u64,
    columns: usize,
    #[cfg(feature = "parquet")]
    parquet: super::parquet::Writer,
}

impl Writer {
    pub(crate) fn create(path: &Path) -> Result<Writer, Error> {
        let kind = Kind::of(path)?;
        let name = path.display().to_string();
        if path.extension().is_some_and(|extension| extension == "index") {
            return Err(Error::Usage(format!(
                "{name}: only `minilm index` writes an index, which tells what made its vectors"
            )));
        }
        if kind == Kind::Npz {
            return Err(Error::Usage(format!("{name}: no npz file is written; write *.npy")));
        }
        match Target::file(path).and_then(Target::seekable) {
            Ok(target) => Ok(Writer {
                name,
                kind,
                target,
                rows: 0,
                columns: 0,
                #[cfg(feature = "parquet")]
                parquet: super::parquet::Writer::new(),
            }),
            Err(source) => Err(Error::Write { name, source }),
        }
    }

    pub(crate) fn push(&mut self, row: &Row) -> Result<(), Error> {
        if self.rows == 0 {
            self.columns = row.values.len();
        }
        let written = self.write(row);
        self.rows += 1;
        written.map_err(|source| Error::Write { name: self.name.clone(), source })
    }

    fn write(&mut self, row: &Row) -> io::Result<()> {
        let to = &mut self.target;
        match self.kind {
            Kind::Npy | Kind::Npz | Kind::Safetensors => {
                if self.rows == 0 {
                    to.write_all(&header(self.kind, 0, self.columns))?;
                }
                row.values.iter().try_for_each(|value| to.write_all(&value.to_le_bytes()))
            }
            Kind::Jsonl => {
                serde_json::to_writer(
                    &mut *to,
                    &Object { text: row.text.as_deref(), embedding: &row.values },
                )?;
                to.write_all(b"\n")
            }
            Kind::Csv => {
                let mut line = csv::WriterBuilder::new().from_writer(Vec::new());
                if self.rows == 0 {
                    let names = (0..self.columns).map(|i| format!("e{i}"));
                    line.write_record(row.text.iter().map(|_| "text".to_owned()).chain(names))?;
                }
                line.write_record(
                    row.text.iter().cloned().chain(row.values.iter().map(f32::to_string)),
                )?;
                to.write_all(&line.into_inner().map_err(csv::IntoInnerError::into_error)?)
            }
            #[cfg(feature = "parquet")]
            Kind::Parquet => self.parquet.push(row),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Gives the file its name. Returns how many rows it has.
    pub(crate) fn finish(mut self) -> Result<u64, Error> {
        let finish = || {
            if matches!(self.kind, Kind::Npy | Kind::Npz | Kind::Safetensors) {
                self.target.seek(SeekFrom::Start(0))?;
                self.target.write_all(&header(self.kind, self.rows, self.columns))?;
            }
            #[cfg(feature = "parquet")]
            if self.kind == Kind::Parquet {
                self.parquet.finish(&mut self.target)?;
            }
            self.target.finish()?;
            Ok(self.rows)
        };
        finish().map_err(|source| Error::Write { name: self.name, source })
    }
}

/// As long for any number of rows.
fn header(kind: Kind, rows: u64, columns: usize) -> Vec<u8> {
    if kind == Kind::Npy {
        return npy_header("<f4", &[rows, columns as u64]).to_vec();
    }
    let bytes = rows * columns as u64 * 4;
    let json = format!(
        "{{\"embeddings\":{{\"dtype\":\"F32\",\"shape\":[{rows},{columns}],\
         \"data_offsets\":[0,{bytes}]}}}}"
    );
    let mut header = vec![b' '; HEADER];
    header[..8].copy_from_slice(&(HEADER as u64 - 8).to_le_bytes());
    header[8..8 + json.len()].copy_from_slice(json.as_bytes());
    header
}

/// A NumPy array of bytes that appears when it is complete.
pub(crate) struct Bytes {
    name: String,
    descr: &'static str,
    target: Target,
    rows: u64,
    columns: usize,
}

impl Bytes {
    /// Rows of `columns` bytes, `|u1` or `|i1`.
    pub(crate) fn create(path: &Path, descr: &'static str, columns: usize) -> Result<Bytes, Error> {
        let name = path.display().to_string();
        let begin = || {
            let mut target = Target::file(path)?.seekable()?;
            target.write_all(&npy_header(descr, &[0, columns as u64]))?;
            Ok(target)
        };
        match begin() {
            Ok(target) => Ok(Bytes { name, descr, target, rows: 0, columns }),
            Err(source) => Err(Error::Write { name, source }),
        }
    }

    /// Whole rows, end to end.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.rows += (bytes.len() / self.columns) as u64;
        self.target
            .write_all(bytes)
            .map_err(|source| Error::Write { name: self.name.clone(), source })
    }

    /// Gives the file its name.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        let finish = || {
            self.target.seek(SeekFrom::Start(0))?;
            self.target.write_all(&npy_header(self.descr, &[self.rows, self.columns as u64]))?;
            self.target.finish()
        };
        finish().map_err(|source| Error::Write { name: self.name, source })
    }
}
