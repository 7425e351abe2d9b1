//! Arrays that are stored in chunks.

use super::File;
use super::dataset::Filter;
use flate2::read::ZlibDecoder;
use std::collections::BTreeSet;
use std::io::Read;

/// Deflate makes no byte from less than this share of one.
const MOST_EXPANSION: u64 = 1032;

/// Where a chunk lies, in the array and in the file.
struct Chunk<'a> {
    /// The element that it begins at, on each axis.
    first: Vec<usize>,
    bytes: &'a [u8],
    /// Filters that were left out, a bit each.
    without: u32,
}

impl<'a> File<'a> {
    /// The bytes of an array of `shape`, all of whose chunks (each of the shape `chunk`) are below the B-tree at `tree`.
    pub(super) fn chunked(
        &self,
        tree: u64,
        shape: &[usize],
        chunk: &[usize],
        element: usize,
        filters: &[Filter],
    ) -> Result<Vec<u8>, String> {
        let chunks = self.chunks(tree, shape, chunk)?;
        let wanted =
            shape.iter().zip(chunk).try_fold(1_usize, |all, (length, part)| all.checked_mul(length.div_ceil(*part)));
        if wanted != Some(chunks.len()) {
            return Err(format!("is damaged or was never finished: an array has {} of its chunks", chunks.len()));
        }
        let size = |shape: &[usize]| shape.iter().try_fold(element, |all, length| all.checked_mul(*length));
        let (Some(total), Some(whole)) = (size(shape), size(chunk)) else {
            return Err("is damaged: an array's shape has no end".to_owned());
        };
        // Before anything is allocated: the chunks' bytes can make as many.
        let stored: u64 = chunks.iter().map(|chunk| chunk.bytes.len() as u64).sum();
        let most = if filters.contains(&Filter::Deflate) { stored.saturating_mul(MOST_EXPANSION) } else { stored };
        if total as u64 > most || whole as u64 > most {
            return Err("is damaged: an array is longer than its chunks".to_owned());
        }
        self.spend(total as u64)?;
        let mut array = vec![0; total];
        for part in chunks {
            let bytes = unfiltered(&part, filters, whole, element)?;
            copy(&bytes, &mut array, &part.first, shape, chunk, element);
        }
        Ok(array)
    }

    /// The chunks of an array, each once.
    fn chunks(&self, tree: u64, shape: &[usize], chunk: &[usize]) -> Result<Vec<Chunk<'a>>, String> {
        let (mut chunks, mut places, mut waiting, mut seen) =
            (Vec::new(), BTreeSet::new(), vec![tree], BTreeSet::new());
        while let Some(address) = waiting.pop() {
            self.visit()?;
            let mut node = self.rest(address)?;
            node.expect(b"TREE")?;
            let (kind, level, count) = (node.u8()?, node.u8()?, node.u16()?);
            if kind != 1 || !seen.insert(address) {
                return Err("is damaged: an array's tree is another one's".to_owned());
            }
            node.skip(16)?;
            for _ in 0..count {
                self.visit()?;
                let (size, without) = (node.u32()?, node.u32()?);
                let first: Vec<u64> = shape.iter().map(|_| node.u64()).collect::<Result<_, _>>()?;
                node.skip(8)?;
                let child = node.u64()?;
                if level > 0 {
                    waiting.push(child);
                    continue;
                }
                let inside = |(first, (length, part)): (&u64, (&usize, &usize))| {
                    *first < *length as u64 && first.is_multiple_of(*part as u64)
                };
                if !first.iter().zip(shape.iter().zip(chunk)).all(inside) || !places.insert(first.clone()) {
                    return Err("is damaged: a chunk lies outside its array".to_owned());
                }
                let first = first.into_iter().map(|first| first as usize).collect();
                chunks.push(Chunk { first, bytes: self.at(child, size.into())?, without });
            }
        }
        Ok(chunks)
    }
}

/// The bytes of a chunk's elements.
fn unfiltered(chunk: &Chunk<'_>, filters: &[Filter], whole: usize, element: usize) -> Result<Vec<u8>, String> {
    let mut bytes = chunk.bytes.to_vec();
    for (index, filter) in filters.iter().enumerate().rev() {
        if chunk.without >> index.min(31) & 1 == 1 {
            continue;
        }
        bytes = match filter {
            Filter::Checksum => {
                bytes.truncate(bytes.len().saturating_sub(4));
                bytes
            }
            Filter::Deflate => {
                let mut inflated = Vec::new();
                // A checksum may follow.
                let mut decoder = ZlibDecoder::new(&bytes[..]).take(whole as u64 + 4);
                decoder
                    .read_to_end(&mut inflated)
                    .map_err(|error| format!("is damaged: a chunk does not unpack: {error}"))?;
                inflated
            }
            Filter::Shuffle => {
                let count = bytes.len() / element;
                let mut sorted = vec![0; bytes.len()];
                for (place, byte) in bytes[..count * element].iter().enumerate() {
                    sorted[place % count * element + place / count] = *byte;
                }
                sorted[count * element..].copy_from_slice(&bytes[count * element..]);
                sorted
            }
        };
    }
    if bytes.len() == whole {
        Ok(bytes)
    } else {
        Err("is damaged: a chunk has another length than it should".to_owned())
    }
}

/// Copies what lies inside the array of a chunk that begins at `first`.
fn copy(bytes: &[u8], array: &mut [u8], first: &[usize], shape: &[usize], chunk: &[usize], element: usize) {
    let Some(last) = shape.len().checked_sub(1) else { return array.copy_from_slice(bytes) };
    let width = chunk[last].min(shape[last] - first[last]) * element;
    let rows: usize = chunk[..last].iter().product();
    for row in 0..rows {
        let (mut rest, mut place, mut stride, mut is_inside) = (row, 0, shape[last], true);
        for axis in (0..last).rev() {
            let index = first[axis] + rest % chunk[axis];
            rest /= chunk[axis];
            is_inside &= index < shape[axis];
            place += index * stride;
            stride *= shape[axis];
        }
        if is_inside {
            let (from, to) = (row * chunk[last] * element, (place + first[last]) * element);
            array[to..to + width].copy_from_slice(&bytes[from..from + width]);
        }
    }
}
