//! Text that is compressed, or in another encoding than UTF-8, as UTF-8.
//!
//! ```text
//! first bytes         what follows
//! 1f 8b               gzip, unpacked
//! 28 b5 2f fd         zstd, unpacked
//! ff fe, fe ff        UTF-16, little or big end first
//! of other formats    an error that names the format
//! ```
//!
//! The first bytes decide, whatever the name of the file is. They are looked at when the first byte
//! is read, so that a pipe is not waited for before that. A byte order mark of UTF-8 stays.

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_16BE, UTF_16LE};
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::{
    cell::RefCell,
    io::{self, BufRead, BufReader, Cursor, Read},
    rc::Rc,
};

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF_16LE_MARK: &[u8] = b"\xff\xfe";
const UTF_16BE_MARK: &[u8] = b"\xfe\xff";

/// Formats that hold no text, and what to do with such a file.
const OTHERS: [(&[u8], &str); 6] = [
    (b"BZh91AY&SY", "it is compressed with bzip2; unpack it first"),
    (b"\xfd7zXZ\0", "it is compressed with xz; unpack it first"),
    (
        b"PK\x03\x04",
        "it is a zip archive, as spreadsheets are (*.xlsx, *.ods); unpack it, or save it as csv",
    ),
    (b"PAR1", "it is a Parquet file; its name has to end in .parquet"),
    (b"\x93NUMPY", "it is a NumPy array, and holds no texts"),
    (b"%PDF-", "it is a PDF; save its text to a file"),
];

/// What was found out about a file, in words.
pub(crate) type Found = Rc<RefCell<Vec<String>>>;

/// A reader of UTF-8.
pub(crate) struct Decoded {
    unread: Option<Box<dyn BufRead>>, // until the first byte is asked for
    reader: Box<dyn BufRead>,
    encoding: Option<&'static Encoding>,
    found: Found,
}

impl Decoded {
    /// Text in `encoding`, or else in UTF-8 or UTF-16. What it is by its first bytes goes to
    /// `found`.
    pub(crate) fn new(
        from: Box<dyn BufRead>,
        encoding: Option<&'static Encoding>,
        found: Found,
    ) -> Decoded {
        Decoded { unread: Some(from), reader: Box::new(io::empty()), encoding, found }
    }

    fn open(&mut self) -> io::Result<&mut dyn BufRead> {
        if let Some(from) = self.unread.take() {
            let unpacked = self.unpacked(from)?;
            self.reader = self.decoded(unpacked)?;
        }
        Ok(&mut self.reader)
    }

    fn unpacked(&self, mut from: Box<dyn BufRead>) -> io::Result<Box<dyn BufRead>> {
        let marks = OTHERS.map(|(mark, _)| mark);
        let start = beginning(&mut from, &[&[GZIP, ZSTD], &marks[..]].concat())?;
        if let Some((_, what)) = OTHERS.iter().find(|(mark, _)| start == *mark) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, *what));
        }
        let (is_gzip, is_zstd) = (start == GZIP, start == ZSTD);
        let whole = Cursor::new(start).chain(from);
        if is_gzip {
            self.found.borrow_mut().push("compressed with gzip".to_owned());
            return Ok(Box::new(BufReader::new(MultiGzDecoder::new(whole))));
        }
        if is_zstd {
            self.found.borrow_mut().push("compressed with zstd".to_owned());
            return Ok(Box::new(BufReader::new(Frames(Some(frame(whole)?)))));
        }
        Ok(Box::new(whole))
    }

    fn decoded(&self, mut from: Box<dyn BufRead>) -> io::Result<Box<dyn BufRead>> {
        let start = beginning(&mut from, &[UTF_8_MARK, UTF_16LE_MARK, UTF_16BE_MARK])?;
        let by_mark = match &start[..] {
            UTF_16LE_MARK => Some(UTF_16LE),
            UTF_16BE_MARK => Some(UTF_16BE),
            UTF_8_MARK => return Ok(Box::new(Cursor::new(start).chain(from))),
            _ => None,
        };
        if let Some(encoding) = by_mark {
            self.found.borrow_mut().push(format!("in {}", encoding.name()));
            return Ok(Box::new(BufReader::new(Transcoded::new(from, encoding))));
        }
        let whole = Cursor::new(start).chain(from);
        Ok(match self.encoding {
            Some(encoding) if encoding != encoding_rs::UTF_8 => {
                Box::new(BufReader::new(Transcoded::new(whole, encoding)))
            }
            _ => Box::new(whole),
        })
    }
}

/// The first bytes, as long as they may become one of `marks`.
fn beginning(from: &mut dyn BufRead, marks: &[&[u8]]) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    while marks.iter().any(|mark| mark.len() > start.len() && mark.starts_with(&start)) {
        if Read::take(&mut *from, 1).read_to_end(&mut start)? == 0 {
            break;
        }
    }
    Ok(start)
}

impl Read for Decoded {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.open()?.read(to)
    }
}

impl BufRead for Decoded {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.open()?.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.reader.consume(bytes);
    }
}

type Frame<R> = StreamingDecoder<R, FrameDecoder>;

/// The frames of a zstd file, one after the other.
struct Frames<R: BufRead>(Option<Frame<R>>);

fn frame<R: BufRead>(from: R) -> io::Result<Frame<R>> {
    StreamingDecoder::new(from).map_err(broken)
}

fn broken(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("its zstd is broken: {error}"))
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while let Some(frame_now) = &mut self.0 {
            let read = frame_now.read(to).map_err(broken)?;
            if read > 0 || to.is_empty() {
                return Ok(read);
            }
            let frame_now = &frame_now.decoder;
            let (stored, computed) =
                (frame_now.get_checksum_from_data(), frame_now.get_calculated_checksum());
            if stored.is_some() && stored != computed {
                return Err(broken("its checksum is another"));
            }
            let Some(mut rest) = self.0.take().map(Frame::into_inner) else { break };
            if !rest.fill_buf()?.is_empty() {
                self.0 = Some(frame(rest)?);
            }
        }
        Ok(0)
    }
}

/// Text of another encoding, as UTF-8.
struct Transcoded<R> {
    from: R,
    decoder: Decoder,
    text: Vec<u8>,
    given: usize, // of the text
    read: u64,
    ended: bool,
}

impl<R: BufRead> Transcoded<R> {
    fn new(from: R, encoding: &'static Encoding) -> Transcoded<R> {
        let decoder = encoding.new_decoder_without_bom_handling();
        Transcoded { from, decoder, text: Vec::new(), given: 0, read: 0, ended: false }
    }

    /// Decodes what is there of the file.
    fn refill(&mut self) -> io::Result<()> {
        let bytes = self.from.fill_buf()?;
        let last = bytes.is_empty();
        let most = self.decoder.max_utf8_buffer_length_without_replacement(bytes.len());
        self.text.resize(most.unwrap_or(bytes.len()), 0);
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.text, last);
        self.from.consume(read);
        (self.given, self.read) = (0, self.read + read as u64);
        self.text.truncate(written);
        match result {
            DecoderResult::Malformed(..) => {
                let encoding = self.decoder.encoding().name();
                Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("it is not {encoding} before byte {}", self.read + 1),
                ))
            }
            DecoderResult::InputEmpty => {
                self.ended = last;
                Ok(())
            }
            DecoderResult::OutputFull => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Transcoded<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            self.refill()?;
        }
        let some = to.len().min(self.text.len() - self.given);
        to[..some].copy_from_slice(&self.text[self.given..self.given + some]);
        self.given += some;
        Ok(some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &'static [u8], encoding: Option<&'static Encoding>) -> (String, String) {
        let found = Found::default();
        let mut text = String::new();
        let read = Decoded::new(Box::new(bytes), encoding, Rc::clone(&found));
        match { read }.read_to_string(&mut text) {
            Ok(_) => (text, found.borrow().join(", ")),
            Err(error) => (error.to_string(), String::new()),
        }
    }

    #[test]
    fn the_first_bytes_tell_the_encoding() {
        let plain = |text: &str| (text.to_owned(), String::new());
        assert_eq!(read(b"", None), plain(""));
        assert_eq!(read(b"\xc3\xa9", None), plain("é"));
        assert_eq!(read(b"\xef\xbb\xbfa", None), plain("\u{feff}a"));
        assert_eq!(read(b"P", None), plain("P"));
        assert_eq!(read(b"\xff\xfeh\0\xe9\0", None), ("hé".to_owned(), "in UTF-16LE".to_owned()));
        let clef = b"\xfe\xff\xd8\x34\xdd\x1e";
        assert_eq!(read(clef, None), ("𝄞".to_owned(), "in UTF-16BE".to_owned()));
        assert_eq!(read(b"caf\xe9 \x80", Some(encoding_rs::WINDOWS_1252)), plain("café €"));
    }

    #[test]
    fn what_is_no_text_is_named() {
        for (bytes, message) in [
            (&b"\xff\xfea\0b"[..], "it is not UTF-16LE before byte 4"),
            (b"\xff\xfe\x34\xd8a\0", "it is not UTF-16LE before byte"),
            (b"PK\x03\x04rest", "it is a zip archive"),
            (b"PAR1", "it is a Parquet file"),
            (b"\x28\xb5\x2f\xfdrest", "its zstd is broken"),
            (b"\x1f\x8brest of it", "invalid gzip header"),
        ] {
            let (found, _) = read(bytes, None);
            assert!(found.contains(message), "{found}");
        }
    }
}
