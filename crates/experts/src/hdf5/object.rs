//! Object headers: the messages that say what a group or a dataset is.

use super::File;
use super::bytes::Cursor;

/// Most blocks that a header continues in.
const MOST_BLOCKS: usize = 1 << 10;

/// A message of a header.
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) data: &'a [u8],
    /// The data is only the address of another message.
    pub(super) is_shared: bool,
}

/// Kinds of messages.
pub(super) mod kind {
    pub(in crate::hdf5) const DATASPACE: u16 = 0x01;
    pub(in crate::hdf5) const LINK_INFO: u16 = 0x02;
    pub(in crate::hdf5) const DATATYPE: u16 = 0x03;
    pub(in crate::hdf5) const LINK: u16 = 0x06;
    pub(in crate::hdf5) const EXTERNAL_FILES: u16 = 0x07;
    pub(in crate::hdf5) const LAYOUT: u16 = 0x08;
    pub(in crate::hdf5) const FILTERS: u16 = 0x0b;
    pub(in crate::hdf5) const CONTINUATION: u16 = 0x10;
    pub(in crate::hdf5) const SYMBOL_TABLE: u16 = 0x11;
}

impl<'a> File<'a> {
    /// The messages of the object header at an address.
    pub(super) fn messages(&self, address: u64) -> Result<Vec<Message<'a>>, String> {
        let mut start = self.rest(address)?;
        let mut peek = start;
        if peek.take(4)? == b"OHDR" {
            start.skip(4)?;
            return self.messages_of_version_2(start);
        }
        let version = start.u8()?;
        if version != 1 {
            return Err(format!("is damaged: an object header has the version {version}"));
        }
        start.skip(7)?;
        let size = start.u32()?;
        start.skip(4)?;
        let first = start.take(size as usize)?;
        self.blocks(first, |block, file, messages, further| {
            let mut block = Cursor::new(block);
            while block.left() >= 8 {
                let (kind, size, flags) = (block.u16()?, block.u16()?, block.u8()?);
                block.skip(3)?;
                let data = block.take(size.into())?;
                file.add(Message { kind, data, is_shared: flags & 2 != 0 }, 0, messages, further)?;
            }
            Ok(())
        })
    }

    /// A header with a signature, whose blocks end in checksums.
    fn messages_of_version_2(&self, mut start: Cursor<'a>) -> Result<Vec<Message<'a>>, String> {
        start.skip(1)?;
        let flags = start.u8()?;
        start.skip(if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 })?;
        let size = start.number(1 << (flags & 3))?;
        let size = usize::try_from(size).map_err(|_| "is damaged: an object header has no end")?;
        let first = start.take(size)?;
        let order = if flags & 4 != 0 { 2 } else { 0 };
        self.blocks(first, |block, file, messages, further| {
            let mut block = Cursor::new(block);
            while block.left() >= 4 + order {
                let (kind, size, flags) = (block.u8()?, block.u16()?, block.u8()?);
                block.skip(order)?;
                let data = block.take(size.into())?;
                file.add(Message { kind: kind.into(), data, is_shared: flags & 2 != 0 }, 4, messages, further)?;
            }
            Ok(())
        })
    }

    /// The messages of a header's first block and of those that it continues in.
    fn blocks(
        &self,
        first: &'a [u8],
        read: impl Fn(&'a [u8], &Self, &mut Vec<Message<'a>>, &mut Vec<&'a [u8]>) -> Result<(), String>,
    ) -> Result<Vec<Message<'a>>, String> {
        let (mut messages, mut further) = (Vec::new(), vec![first]);
        let mut done = 0;
        while done < further.len() {
            if done == MOST_BLOCKS {
                return Err("is damaged: an object header never ends".to_owned());
            }
            self.visit()?;
            let block = further[done];
            read(block, self, &mut messages, &mut further)?;
            done += 1;
        }
        Ok(messages)
    }

    /// Keeps a message, or the block that it names, between a signature and a checksum of `frame` bytes each.
    fn add(
        &self,
        message: Message<'a>,
        frame: usize,
        messages: &mut Vec<Message<'a>>,
        further: &mut Vec<&'a [u8]>,
    ) -> Result<(), String> {
        self.visit()?;
        if message.kind != kind::CONTINUATION {
            messages.push(message);
            return Ok(());
        }
        let mut data = Cursor::new(message.data);
        let (address, length) = (data.u64()?, data.u64()?);
        let block = self.at(address, length)?;
        let inside = block.get(frame..block.len().saturating_sub(frame));
        further.push(inside.ok_or("is damaged: a block of an object header is too short")?);
        Ok(())
    }
}
