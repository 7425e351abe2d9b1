//! HDF5 files, as far as h5py writes them unless it is asked for more: groups of links, and arrays of numbers that are stored
//! as a whole or in chunks, with or without gzip.
//!
//! The reader is bounded by the file: each structure is read once, and nothing is allocated by a length that a file only claims.
//! What it does not know (virtual datasets, other compressions, files of `libver="latest"`) it says by name. The format is
//! described at <https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html>.

mod bytes;
mod chunks;
mod dataset;
mod group;
mod object;

pub(crate) use dataset::Elements;

use bytes::Cursor;
use dataset::Dataset;
use std::cell::Cell;

/// Offsets of a file that has something before it: a user block is a power of two, at least 512 bytes long.
const SMALLEST_USER_BLOCK: usize = 512;
const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
/// Most structures that are looked at: a real file has a few for each episode.
const MOST_VISITS: usize = 1 << 20;

/// An HDF5 file in memory. All errors are sentences without a subject.
pub(crate) struct File<'a> {
    /// From the superblock on, which addresses count from.
    bytes: &'a [u8],
    root: u64,
    /// Bytes that datasets may still have.
    budget: Cell<u64>,
    visits: Cell<usize>,
}

/// What a link leads to.
pub(crate) enum Node {
    /// Names and addresses, in the order of the file.
    Group(Vec<(String, u64)>),
    /// Numbers.
    Dataset(Elements),
    /// A dataset that holds something else, or in another way: why it was not read.
    Unreadable(String),
}

impl<'a> File<'a> {
    /// Finds the root of a file; datasets may have `budget` bytes in all.
    pub(crate) fn open(bytes: &'a [u8], budget: u64) -> Result<Self, String> {
        let places = std::iter::successors(Some(SMALLEST_USER_BLOCK), |place| place.checked_mul(2));
        let mut places = std::iter::once(0).chain(places.take_while(|place| *place < bytes.len()));
        let place = places.find(|place| bytes[*place..].starts_with(SIGNATURE)).ok_or("is not an HDF5 file")?;
        let bytes = &bytes[place..];
        let mut header = Cursor::new(&bytes[SIGNATURE.len()..]);
        let version = header.u8()?;
        let sizes = match version {
            0 | 1 => {
                header.skip(4)?;
                let sizes = [header.u8()?, header.u8()?];
                header.skip(if version == 0 { 9 } else { 13 })?;
                sizes
            }
            2 | 3 => {
                let sizes = [header.u8()?, header.u8()?];
                header.skip(1)?;
                sizes
            }
            _ => return Err(format!("has an HDF5 superblock of version {version}; expected 0 to 3")),
        };
        if sizes != [8, 8] {
            return Err(format!("has HDF5 addresses and lengths of {} and {} bytes; expected 8", sizes[0], sizes[1]));
        }
        // Base address, free space or extension, end of the file.
        header.skip(24)?;
        if version < 2 {
            // Driver's information, and the name of the root's entry.
            header.skip(16)?;
        }
        let root = header.u64()?;
        Ok(Self { bytes, root, budget: Cell::new(budget), visits: Cell::new(0) })
    }

    /// The root group's links.
    pub(crate) fn root(&self) -> Result<Vec<(String, u64)>, String> {
        match self.node(self.root)? {
            Node::Group(links) => Ok(links),
            _ => Err("has no root group".to_owned()),
        }
    }

    /// The object at an address.
    pub(crate) fn node(&self, address: u64) -> Result<Node, String> {
        let messages = self.messages(address)?;
        if let Some(links) = self.links(&messages)? {
            return Ok(Node::Group(links));
        }
        match Dataset::new(&messages).and_then(|dataset| dataset.read(self)) {
            Ok(elements) => Ok(Node::Dataset(elements)),
            Err(dataset::Problem::Unsupported(reason)) => Ok(Node::Unreadable(reason)),
            Err(dataset::Problem::Damaged(reason)) => Err(reason),
        }
    }

    /// `length` bytes at an address.
    fn at(&self, address: u64, length: u64) -> Result<&'a [u8], String> {
        let damaged = || format!("is damaged or cut off: {length} bytes at {address} lie beyond its end");
        let range = usize::try_from(address).ok().zip(usize::try_from(length).ok());
        let (start, length) = range.ok_or_else(damaged)?;
        start.checked_add(length).and_then(|end| self.bytes.get(start..end)).ok_or_else(damaged)
    }

    /// Everything from an address on.
    fn rest(&self, address: u64) -> Result<Cursor<'a>, String> {
        let rest = usize::try_from(address).ok().and_then(|start| self.bytes.get(start..));
        rest.map(Cursor::new).ok_or_else(|| format!("is damaged or cut off: it ends before {address}"))
    }

    /// Counts a structure that is looked at, so that structures that point to each other end.
    fn visit(&self) -> Result<(), String> {
        self.visits.set(self.visits.get() + 1);
        if self.visits.get() > MOST_VISITS { Err("has structures that never end".to_owned()) } else { Ok(()) }
    }

    /// Takes the bytes of a dataset from the budget.
    fn spend(&self, bytes: u64) -> Result<(), String> {
        let left = self.budget.get().checked_sub(bytes).ok_or("holds more than 512 MiB of numbers")?;
        self.budget.set(left);
        Ok(())
    }
}
