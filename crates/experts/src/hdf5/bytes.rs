//! Reading little-endian numbers one after the other.

/// What is left of some bytes.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or("is damaged or cut off: a structure is incomplete")?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn skip(&mut self, length: usize) -> Result<(), String> {
        self.take(length).map(drop)
    }

    /// A number of up to eight bytes.
    pub(super) fn number(&mut self, size: usize) -> Result<u64, String> {
        Ok(self.take(size)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(super) fn u8(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, String> {
        Ok(self.number(2)? as u16)
    }

    pub(super) fn u32(&mut self) -> Result<u32, String> {
        Ok(self.number(4)? as u32)
    }

    pub(super) fn u64(&mut self) -> Result<u64, String> {
        self.number(8)
    }

    /// Takes a structure's signature.
    pub(super) fn expect(&mut self, signature: &[u8]) -> Result<(), String> {
        if self.take(signature.len())? == signature {
            return Ok(());
        }
        Err(format!("is damaged: a structure `{}` is not where it should be", String::from_utf8_lossy(signature)))
    }

    pub(super) fn left(&self) -> usize {
        self.0.len()
    }
}
