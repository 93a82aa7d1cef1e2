//! The kind of a file by its first bytes, for files that are not what their names say.
//!
//! In the book: `docs/13-directories.md`.

/// The kind of `bytes`, if it is one of those that often lie in the place of a model's file,
/// and what to do about it.
///
/// ```
/// let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
/// assert!(minilm_model::kind(pointer).is_some_and(|kind| kind.contains("git lfs pull")));
/// assert_eq!(minilm_model::kind(b"{}"), None);
/// ```
pub fn kind(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 13] = [
        (
            b"version https://git-lfs",
            "a Git LFS pointer, not the file itself, which `git lfs pull` in its repository \
             fetches",
        ),
        (b"\x1f\x8b", "compressed with gzip: decompress it with `gunzip`"),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd: decompress it with `unzstd`"),
        (b"\xfd7zXZ\0", "compressed with xz: decompress it with `unxz`"),
        (b"BZh", "compressed with bzip2: decompress it with `bunzip2`"),
        (
            b"PK\x03\x04",
            "a zip archive, as `torch.save` writes it: save the model as safetensors instead",
        ),
        (b"\x80\x02", PICKLE),
        (b"\x80\x04", PICKLE),
        (b"\x89HDF", "an HDF5 file of TensorFlow: save the model as safetensors instead"),
        (b"GGUF", "a GGUF file, which is not read: use the safetensors that it was made of"),
        (b"\xff\xfe", "text in UTF-16: save it as UTF-8"),
        (b"\xfe\xff", "text in UTF-16: save it as UTF-8"),
        (b"\xef\xbb\xbf", "text that begins with a byte order mark: save it as UTF-8 without one"),
    ];
    if bytes.is_empty() {
        return Some("empty: get it again");
    }
    let begins = |(magic, kind): &(&[u8], &'static str)| bytes.starts_with(magic).then_some(*kind);
    if let Some(kind) = KINDS.iter().find_map(begins) {
        return Some(kind);
    }
    let text = bytes.trim_ascii_start();
    let is_page = [b"<!doctype".as_slice(), b"<html", b"<?xml", b"<head"]
        .iter()
        .any(|tag| text.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag)));
    if is_page {
        return Some("a web page: the server answered a download with it, so get the file again");
    }
    let start = &bytes[..bytes.len().min(64)];
    (start.len() == 64 && start.iter().all(|&byte| byte == 0))
        .then_some("full of zeros: a download that did not end, so get the file again")
}

const PICKLE: &str =
    "a Python pickle, as `torch.save` writes it: save the model as safetensors instead";
