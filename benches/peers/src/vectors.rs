//! Made-up vectors to search in: the same on every machine, in files that the engines of either
//! language read.

use crate::error::Error;
use minilm_testing::Random;
use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

/// Length of an embedding.
pub const DIMENSION: usize = 384;

/// Rows that are read or written at a time.
const SOME: usize = 1000;

/// The file of the queries in a folder of vectors.
pub fn queries(folder: &Path) -> PathBuf {
    folder.join("queries.f32")
}

/// The file of the rows among which a query looks.
pub fn rows(folder: &Path) -> PathBuf {
    folder.join("rows.f32")
}

/// Writes so many queries and rows of length 1 into a folder, as f32, little-endian, end to end.
pub fn write(folder: &Path, counts: [usize; 2]) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::at(folder))?;
    for (seed, (path, count)) in (0..).zip([queries(folder), rows(folder)].into_iter().zip(counts))
    {
        write_one(&path, count, Random(seed)).map_err(Error::at(&path))?;
    }
    Ok(())
}

fn write_one(path: &Path, count: usize, mut random: Random) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for _ in 0..count {
        file.write_all(unit(&mut random).map(f32::to_le_bytes).as_flattened())?;
    }
    file.flush()
}

/// A vector of length 1 in some direction; two of them are nearly at right angles.
fn unit(random: &mut Random) -> [f32; DIMENSION] {
    const HALF: usize = 1 << 23;
    let mut vector = [0.0; DIMENSION];
    vector.fill_with(|| random.below(2 * HALF) as f32 / HALF as f32 - 1.0);
    let length = vector.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
    vector.map(|x| (f64::from(x) / length) as f32)
}

/// The first `count` vectors of a file.
pub fn read(path: &Path, count: usize) -> io::Result<Vec<f32>> {
    let mut file = BufReader::new(File::open(path)?);
    let mut values = Vec::with_capacity(count * DIMENSION);
    let mut bytes = vec![0; SOME * DIMENSION * size_of::<f32>()];
    while values.len() < values.capacity() {
        let some = bytes.len().min((count * DIMENSION - values.len()) * size_of::<f32>());
        file.read_exact(&mut bytes[..some])?;
        values.extend(bytes[..some].as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_has_length_1_and_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), [2, SOME + 1]).unwrap();
        let all = read(&rows(folder.path()), SOME + 1).unwrap();
        assert_eq!(all.len(), (SOME + 1) * DIMENSION);
        assert_eq!(read(&rows(folder.path()), 1).unwrap(), all[..DIMENSION]);
        assert_ne!(read(&queries(folder.path()), 1).unwrap(), all[..DIMENSION]);
        for vector in all.chunks(DIMENSION) {
            let square: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            assert!((square - 1.0).abs() < 1e-6, "{square}");
        }
        assert!(read(&queries(folder.path()), 3).is_err());
    }
}
