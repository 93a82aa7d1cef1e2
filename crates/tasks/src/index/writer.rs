//! Writing: always a whole new file beside the old one, and then a rename.
//!
//! Writers at the same time lose no rows:
//!
//! - A file is replaced only by a writer that has locked it, and that has found, with the lock,
//!   that the file still has its name. A name that no file has is taken only if that is still so.
//! - A writer that appends copies the old rows when it begins, and takes no lock while rows are
//!   embedded. If at the end another file has the name, its own rows are copied behind the rows of
//!   that one.

use super::{
    IndexError, Space,
    body::{self, Body, copy_rows, read_layout},
};
use crate::{
    Error,
    replace::{Replacement, identity, is_still, parent},
};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

/// An index that is written row by row, in memory that does not grow with it. Nothing appears
/// before [`Writer::finish`].
///
/// ```
/// use minilm_tasks::index::{Index, Space, Writer};
/// let file = std::env::temp_dir().join(format!("rows-{}.index", std::process::id()));
/// let mut writer = Writer::create(&file, &Space::new("model", "0"), 2)?;
/// writer.push(&[1.0, 0.0], "east")?;
/// writer.push(&[0.0, 1.0], "north")?;
/// assert_eq!(writer.finish()?, 2);
/// assert_eq!(Index::read(&file)?.text(1)?, "north");
/// # std::fs::remove_file(&file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Writer {
    path: PathBuf, // as it was given
    space: Space,
    columns: usize,
    fields: Vec<String>,
    body: Body<Replacement>,
    purpose: Purpose,
}

#[derive(Debug)]
enum Purpose {
    /// A file of that name is replaced.
    Create,
    /// The rows from `first` on follow those of the file of that name.
    Append {
        /// The index that has the other rows, if there was one.
        base: Option<File>,
        first: usize,
    },
}

impl Writer {
    /// Begins an index of vectors with this many columns. It will replace a file of that name.
    ///
    /// # Errors
    /// [`IndexError::Vectors`] for no columns, [`IndexError::Write`].
    pub fn create(path: &Path, space: &Space, columns: usize) -> Result<Writer, IndexError> {
        Writer::create_with(path, space, columns, &[])
    }

    /// Begins an index whose rows have these fields besides their text, such as the number that a
    /// row has elsewhere. It is filled by [`Writer::push_with`].
    ///
    /// ```
    /// use minilm_tasks::index::{Index, Space, Writer};
    /// let file = std::env::temp_dir().join(format!("fields-{}.index", std::process::id()));
    /// let fields = ["id".to_owned()];
    /// let mut writer = Writer::create_with(&file, &Space::new("model", "0"), 1, &fields)?;
    /// writer.push_with(&[1.0], "east", &["7".to_owned()])?;
    /// writer.finish()?;
    /// let index = Index::read(&file)?;
    /// assert_eq!((index.fields(), index.values(0)?), (&fields[..], vec!["7".to_owned()]));
    /// # std::fs::remove_file(&file)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Writer::create`].
    pub fn create_with(
        path: &Path,
        space: &Space,
        columns: usize,
        fields: &[String],
    ) -> Result<Writer, IndexError> {
        if columns == 0 {
            return Err(body::no_columns(path));
        }
        Writer::begin(path, space, columns, fields)
    }

    /// Begins the index that has the rows of the one at `path`, and more.
    ///
    /// If another process replaces that index meanwhile, [`Writer::finish`] adds the new rows to
    /// the one that it finds.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Format`], [`IndexError::Version`],
    /// [`IndexError::Damaged`]; [`IndexError::Space`], [`IndexError::Prompt`] and
    /// [`IndexError::Vectors`] if the index has another space, another prompt or other columns;
    /// [`IndexError::Write`].
    pub fn append(path: &Path, space: &Space, columns: usize) -> Result<Writer, IndexError> {
        let base = File::open(path)
            .map_err(|source| IndexError::Read { path: path.to_owned(), source })?;
        Writer::append_to(path, space, columns, &[], base)
    }

    /// [`Writer::append`] if there is a file of that name, or else a new index.
    ///
    /// If a file has the name at the end that was not there before, the rows are added to it.
    ///
    /// # Errors
    /// Those of [`Writer::append`] and [`Writer::create`].
    pub fn append_or_create(
        path: &Path,
        space: &Space,
        columns: usize,
    ) -> Result<Writer, IndexError> {
        Writer::append_or_create_with(path, space, columns, &[])
    }

    /// [`Writer::append_or_create`] for rows with these fields.
    ///
    /// # Errors
    /// [`IndexError::Fields`] if the index that is there has others, and those of
    /// [`Writer::append_or_create`].
    pub fn append_or_create_with(
        path: &Path,
        space: &Space,
        columns: usize,
        fields: &[String],
    ) -> Result<Writer, IndexError> {
        match File::open(path) {
            Ok(base) => Writer::append_to(path, space, columns, fields, base),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let writer = Writer::create_with(path, space, columns, fields)?;
                Ok(Writer { purpose: Purpose::Append { base: None, first: 0 }, ..writer })
            }
            Err(source) => Err(IndexError::Read { path: path.to_owned(), source }),
        }
    }

    fn append_to(
        path: &Path,
        space: &Space,
        columns: usize,
        fields: &[String],
        base: File,
    ) -> Result<Writer, IndexError> {
        let writer = Writer::after(path, space, columns, fields, &base)?;
        let first = writer.rows();
        Ok(Writer { purpose: Purpose::Append { base: Some(base), first }, ..writer })
    }

    /// Begins with the rows of `base`.
    fn after(
        path: &Path,
        space: &Space,
        columns: usize,
        fields: &[String],
        base: &File,
    ) -> Result<Writer, IndexError> {
        let (layout, _) = read_layout(path, base)?;
        layout.space.check(path, space)?;
        layout.space.check_prompt(path, space)?;
        if columns != layout.columns {
            let source =
                Error::Columns { what: "vectors", found: columns, expected: layout.columns };
            return Err(IndexError::Vectors { path: path.to_owned(), source });
        }
        if fields != layout.fields {
            let (path, index, other) = (path.to_owned(), layout.fields, fields.to_vec());
            return Err(IndexError::Fields { path, index, other });
        }
        let mut writer = Writer::begin(path, &layout.space, columns, fields)?;
        writer.body.push_index(path, base)?;
        Ok(writer)
    }

    fn begin(
        path: &Path,
        space: &Space,
        columns: usize,
        fields: &[String],
    ) -> Result<Writer, IndexError> {
        let begin = || {
            let file = Replacement::of(path)?;
            let directory = parent(file.target()).to_owned();
            Body::begin(file, &directory, space, columns, fields)
        };
        let body = begin().map_err(|source| IndexError::Write { path: path.to_owned(), source })?;
        let (path, space, fields) = (path.to_owned(), space.clone(), fields.to_vec());
        Ok(Writer { path, space, columns, fields, body, purpose: Purpose::Create })
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.body.rows()
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`IndexError::Vectors`] for a vector of another length, or one that is not finite;
    /// [`IndexError::Write`].
    pub fn push(&mut self, vector: &[f32], text: &str) -> Result<(), IndexError> {
        self.push_with(vector, text, &[])
    }

    /// Adds a row with the values of its fields.
    ///
    /// # Errors
    /// [`IndexError::Fields`] for another number of values than there are fields, and those of
    /// [`Writer::push`].
    pub fn push_with(
        &mut self,
        vector: &[f32],
        text: &str,
        values: &[String],
    ) -> Result<(), IndexError> {
        self.body.push_row(&self.path, vector, text, values)
    }

    /// Gives the file its name when it is on the disk. Returns how many rows it has.
    ///
    /// # Errors
    /// [`IndexError::Write`]; where rows are added, also the errors of [`Writer::append`] about the
    /// index that has the name by now.
    pub fn finish(self) -> Result<usize, IndexError> {
        let Writer { path, space, columns, fields, body, purpose } = self;
        let failed = |source| IndexError::Write { path: path.clone(), source };
        let (mut file, layout) = body.complete().map_err(failed)?;
        loop {
            let current = match open_locked(file.target()) {
                Ok(current) => current,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    match file.finish_new().map_err(failed)? {
                        None => return Ok(layout.rows),
                        Some(back) => file = back,
                    }
                    continue;
                }
                // A file that cannot be read or locked can be replaced.
                Err(_) if matches!(purpose, Purpose::Create) => {
                    return file.finish().map(|()| layout.rows).map_err(failed);
                }
                Err(source) => return Err(IndexError::Read { path, source }),
            };
            // Until `current` is closed, no other writer replaces it.
            return match &purpose {
                Purpose::Append { base, first } if !is_same(base.as_ref(), &current) => {
                    let mut writer = Writer::after(&path, &space, columns, &fields, &current)?;
                    copy_rows(&file, &layout, *first, &mut writer.body).map_err(failed)?;
                    drop(file);
                    let (file, layout) = writer.body.complete().map_err(failed)?;
                    file.finish().map(|()| layout.rows).map_err(failed)
                }
                _ => file.finish().map(|()| layout.rows).map_err(failed),
            };
        }
    }
}

/// Opens the file that has this name now, and keeps other writers waiting until it is closed.
fn open_locked(path: &Path) -> io::Result<File> {
    loop {
        let file = File::open(path)?;
        file.lock()?;
        // While this waited, another may have put a new file in the place of the one that is now
        // locked.
        if is_still(path, &file)? {
            return Ok(file);
        }
    }
}

fn is_same(base: Option<&File>, current: &File) -> bool {
    let of = |file: &File| file.metadata().map(|metadata| identity(&metadata));
    base.is_some_and(|base| matches!((of(base), of(current)), (Ok(a), Ok(b)) if a == b))
}
