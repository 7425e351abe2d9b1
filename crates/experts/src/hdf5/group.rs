//! Groups: names and what they lead to.

use super::File;
use super::bytes::Cursor;
use super::object::{Message, kind};
use std::collections::BTreeSet;

/// An address that leads nowhere.
pub(super) const NOWHERE: u64 = u64::MAX;

impl File<'_> {
    /// The links of a group; `None` for an object that is none.
    pub(super) fn links(&self, messages: &[Message<'_>]) -> Result<Option<Vec<(String, u64)>>, String> {
        let mut links = Vec::new();
        let mut is_group = false;
        for message in messages {
            match message.kind {
                kind::SYMBOL_TABLE => {
                    is_group = true;
                    let mut data = Cursor::new(message.data);
                    self.symbol_table(data.u64()?, data.u64()?, &mut links)?;
                }
                kind::LINK_INFO => {
                    is_group = true;
                    let mut data = Cursor::new(message.data);
                    data.skip(1)?;
                    let flags = data.u8()?;
                    data.skip(if flags & 1 != 0 { 8 } else { 0 })?;
                    if data.u64()? != NOWHERE {
                        let reason = "has a group whose links are kept in a newer way than this program reads; write it again \
                                      without `track_order` and `libver=\"latest\"`";
                        return Err(reason.to_owned());
                    }
                }
                kind::LINK => {
                    is_group = true;
                    links.extend(link(message.data)?);
                }
                _ => {}
            }
        }
        Ok(is_group.then_some(links))
    }

    /// The links below a B-tree of version 1, whose names lie in a heap.
    fn symbol_table(&self, tree: u64, heap: u64, links: &mut Vec<(String, u64)>) -> Result<(), String> {
        let mut header = self.rest(heap)?;
        header.expect(b"HEAP")?;
        header.skip(4)?;
        let size = header.u64()?;
        header.skip(8)?;
        let names = self.at(header.u64()?, size)?;
        let (mut waiting, mut seen) = (vec![tree], BTreeSet::new());
        while let Some(address) = waiting.pop() {
            self.visit()?;
            if !seen.insert(address) {
                return Err("is damaged: a group contains itself".to_owned());
            }
            let mut node = self.rest(address)?;
            let mut peek = node;
            if peek.take(4)? == b"TREE" {
                node.skip(4)?;
                let (kind, _level, count) = (node.u8()?, node.u8()?, node.u16()?);
                if kind != 0 {
                    return Err("is damaged: a group's tree is another one's".to_owned());
                }
                // The siblings, and the first key.
                node.skip(24)?;
                let first = waiting.len();
                for _ in 0..count {
                    waiting.push(node.u64()?);
                    node.skip(8)?;
                }
                waiting[first..].reverse();
                continue;
            }
            node.expect(b"SNOD")?;
            node.skip(2)?;
            for _ in 0..node.u16()? {
                self.visit()?;
                let (name, object) = (node.u64()?, node.u64()?);
                node.skip(24)?;
                let name = usize::try_from(name).ok().and_then(|start| names.get(start..));
                let name = name.and_then(|name| name.split(|byte| *byte == 0).next());
                let name = name.ok_or("is damaged: a name lies outside its heap")?;
                links.push((String::from_utf8_lossy(name).into_owned(), object));
            }
        }
        Ok(())
    }
}

/// A link to an object of this file; others are left out.
fn link(data: &[u8]) -> Result<Option<(String, u64)>, String> {
    let mut data = Cursor::new(data);
    data.skip(1)?;
    let flags = data.u8()?;
    let kind = if flags & 8 != 0 { data.u8()? } else { 0 };
    data.skip(if flags & 4 != 0 { 8 } else { 0 } + usize::from(flags & 16 != 0))?;
    let length = data.number(1 << (flags & 3))?;
    let length = usize::try_from(length).map_err(|_| "is damaged: a link's name has no end")?;
    let name = String::from_utf8_lossy(data.take(length)?).into_owned();
    if kind == 0 { Ok(Some((name, data.u64()?))) } else { Ok(None) }
}
