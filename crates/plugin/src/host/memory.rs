//! The memory that a plugin's tables lie in.
//!
//! Everything that reads a table asks a [`Memory`] for bytes, so that all of it is safe code; the process's own memory
//! is one `Memory`, a fuzzer's bytes are another.
#![allow(unsafe_code, reason = "reads tables through the plugin's pointers")]

use crate::abi::{KanrlCoordinate, KanrlEnvironment, KanrlFrame, KanrlParameter, KanrlPlugin, KanrlSpec, KanrlText};
use std::mem::{MaybeUninit, offset_of, size_of};

/// Memory that holds tables, by address.
pub trait Memory {
    /// The `length` bytes from `address` on, or `None` where they are not there. `address` is not 0.
    fn bytes(&self, address: usize, length: usize) -> Option<&[u8]>;
}

/// This process's memory. A plugin's wrong pointer crashes the process, as in any foreign call.
pub(crate) struct ProcessMemory(());

impl ProcessMemory {
    /// # Safety
    /// Every address and length that the tables to be read give must be readable, and unchanged while they are read.
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

impl Memory for ProcessMemory {
    fn bytes(&self, address: usize, length: usize) -> Option<&[u8]> {
        if address.checked_add(length)? > isize::MAX as usize {
            return None;
        }
        // SAFETY: the range does not wrap, the address is not null, and `new`'s caller vouches for what the tables say.
        Some(unsafe { std::slice::from_raw_parts(address as *const u8, length) })
    }
}

/// Bytes as memory whose first byte has address 1.
#[derive(Debug)]
pub struct SliceMemory<'a>(pub &'a [u8]);

impl Memory for SliceMemory<'_> {
    fn bytes(&self, address: usize, length: usize) -> Option<&[u8]> {
        let start = address.checked_sub(1)?;
        self.0.get(start..start.checked_add(length)?)
    }
}

/// A plain struct of the ABI.
///
/// # Safety
/// Any bytes are a value of it: it holds only numbers, pointers and optional function pointers.
pub(crate) unsafe trait Plain: Copy {}

/// A struct of the ABI that begins with its size.
pub(crate) trait Table: Plain {
    /// Its name in the header.
    const NAME: &'static str;
    /// Bytes up to the end of the last field that version 1 of the ABI needs.
    const REQUIRED: usize;
}

/// A value from bytes; missing ones at the end count as zero, further ones are left out.
pub(crate) fn from_bytes<T: Plain>(bytes: &[u8]) -> T {
    let mut value = MaybeUninit::<T>::zeroed();
    let length = bytes.len().min(size_of::<T>());
    // SAFETY: `length` bytes are readable at `bytes` and writable at `value`; any bytes are a `T`, as `Plain` promises.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), value.as_mut_ptr().cast::<u8>(), length);
        value.assume_init()
    }
}

macro_rules! tables {
    ($($table:ident up to $last:ident),* $(,)?) => { $(
        // SAFETY: its fields are numbers, texts, pointers and optional function pointers.
        unsafe impl Plain for $table {}

        impl Table for $table {
            const NAME: &'static str = stringify!($table);
            // Each table's last required field is a `usize`, a pointer or a `f64`, or is followed by no padding.
            const REQUIRED: usize = offset_of!($table, $last) + size_of_field(|table: &$table| &table.$last);
        }
    )* };
}

const fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

tables! {
    KanrlCoordinate up to high,
    KanrlEnvironment up to step,
    KanrlFrame up to rgb,
    KanrlParameter up to value,
    KanrlPlugin up to environments,
    KanrlSpec up to action_type,
}

// SAFETY: a pointer and a number.
unsafe impl Plain for KanrlText {}

// SAFETY: a number.
unsafe impl Plain for f64 {}
