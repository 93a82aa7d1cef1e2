//! The caller's pointers: null is an error, everything else is as the header says.

use crate::{Failure, argument};
use std::{
    ffi::{CStr, c_char},
    ptr, slice, str,
};

fn is_there<T>(pointer: *const T, name: &str) -> Result<(), Failure> {
    match pointer.is_null() {
        true => Err(argument(format!("{name} is null"))),
        false => Ok(()),
    }
}

/// What a pointer points to.
///
/// # Safety
/// It is null, or points to a `T` that lives, and that nothing changes, for as long as `'a`.
pub(crate) unsafe fn borrow<'a, T>(pointer: *const T, name: &str) -> Result<&'a T, Failure> {
    is_there(pointer, name)?;
    // SAFETY: the caller's promise; it is not null.
    Ok(unsafe { &*pointer })
}

/// Takes back what `Box::into_raw` has given away.
///
/// # Safety
/// It is null, or comes from `Box::into_raw` and is used nowhere else, now or later.
pub(crate) unsafe fn take<T>(pointer: *mut T) -> Option<Box<T>> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller's promise; it is not null.
    Some(unsafe { Box::from_raw(pointer) })
}

/// Writes a value.
///
/// # Safety
/// The pointer is null, or a `T` can be written where it points.
pub(crate) unsafe fn set<T>(pointer: *mut T, value: T, name: &str) -> Result<(), Failure> {
    is_there(pointer, name)?;
    // SAFETY: the caller's promise; it is not null.
    unsafe { pointer.write(value) };
    Ok(())
}

/// `count` values.
///
/// # Safety
/// The pointer is null, or points to `count` values that live, and that nothing changes, for as
/// long as `'a`.
pub(crate) unsafe fn vector<'a, T>(
    pointer: *const T,
    count: usize,
    name: &str,
) -> Result<&'a [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    is_there(pointer, name)?;
    if count > isize::MAX as usize / size_of::<T>() {
        return Err(argument(format!("{name}: {count} values are more than memory holds")));
    }
    // SAFETY: the caller's promise; it is not null, and the bytes are no more than `isize::MAX`.
    Ok(unsafe { slice::from_raw_parts(pointer, count) })
}

/// A text that ends in a zero byte.
///
/// # Safety
/// The pointer is null, or points to bytes of which one is zero, and which nothing changes for as
/// long as `'a`.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a str, Failure> {
    is_there(pointer, name)?;
    // SAFETY: the caller's promise; it is not null.
    let text = unsafe { CStr::from_ptr(pointer) };
    utf8(text.to_bytes(), name)
}

/// Texts that end in a zero byte, or have these lengths.
///
/// # Safety
/// `texts` is null, or points to `count` pointers. Each of these is null, or points to as many
/// bytes as its length says, or else to bytes of which one is zero. Nothing changes them for as
/// long as `'a`.
pub(crate) unsafe fn strings<'a>(
    texts: *const *const c_char,
    lengths: Option<&[usize]>,
    count: usize,
) -> Result<Vec<&'a str>, Failure> {
    // SAFETY: the caller's promise for `texts`.
    let texts = unsafe { vector(texts, count, "texts") }?;
    let one = |(i, &pointer): (usize, &*const c_char)| {
        let name = format!("texts[{i}]");
        match lengths {
            Some(lengths) => {
                // SAFETY: the caller's promise for a text of this length.
                utf8(unsafe { vector(pointer.cast(), lengths[i], &name) }?, &name)
            }
            // SAFETY: the caller's promise for a text that ends in a zero byte.
            None => unsafe { text(pointer, &name) },
        }
    };
    texts.iter().enumerate().map(one).collect()
}

fn utf8<'a>(bytes: &'a [u8], name: &str) -> Result<&'a str, Failure> {
    str::from_utf8(bytes).map_err(|error| argument(format!("{name} is not UTF-8: {error}")))
}

/// Copies values to the caller's buffer.
///
/// # Safety
/// `to` is null, or as many values as `from` has can be written where it points.
pub(crate) unsafe fn copy_to<T: Copy>(to: *mut T, from: &[T], name: &str) -> Result<(), Failure> {
    if from.is_empty() {
        return Ok(());
    }
    is_there(to, name)?;
    // SAFETY: the caller's promise; it is not null, and `from` is memory of this library.
    unsafe { ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()) };
    Ok(())
}
