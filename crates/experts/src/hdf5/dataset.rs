//! Arrays: their shape, their type, and where their bytes lie.

use super::File;
use super::bytes::Cursor;
use super::group::NOWHERE;
use super::object::{Message, kind};
use crate::numpy::{Array, decode};

/// Most axes of an array.
const MOST_AXES: usize = 8;

/// The numbers of a dataset.
pub(crate) struct Elements {
    pub(crate) array: Array,
    /// NumPy's code of their type: `f`, `i`, `u`, or `b` for True and False.
    pub(crate) code: char,
}

/// Why a dataset cannot be read.
pub(super) enum Problem {
    /// It holds something else, or in another way.
    Unsupported(String),
    Damaged(String),
}

impl From<String> for Problem {
    fn from(reason: String) -> Self {
        Self::Damaged(reason)
    }
}

impl From<&str> for Problem {
    fn from(reason: &str) -> Self {
        Self::Damaged(reason.to_owned())
    }
}

fn unsupported<T>(reason: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Unsupported(reason.into()))
}

/// What a dataset's messages say.
pub(super) struct Dataset<'a> {
    shape: Vec<usize>,
    /// As NumPy writes it: `<f4`.
    descr: String,
    code: char,
    /// Bytes of an element.
    element: usize,
    layout: &'a [u8],
    filters: Vec<Filter>,
}

/// What was done to the bytes of each chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Deflate,
    Shuffle,
    Checksum,
}

impl<'a> Dataset<'a> {
    pub(super) fn new(messages: &[Message<'a>]) -> Result<Self, Problem> {
        let find = |kind: u16| messages.iter().find(|message| message.kind == kind);
        if find(kind::EXTERNAL_FILES).is_some() {
            return unsupported("keeps its numbers in another file");
        }
        let found = (find(kind::DATASPACE), find(kind::DATATYPE), find(kind::LAYOUT));
        let (Some(space), Some(datatype), Some(layout)) = found else {
            return unsupported("is neither a group nor an array");
        };
        if space.is_shared || datatype.is_shared || layout.is_shared {
            return unsupported("has a type that is kept apart from it");
        }
        let (descr, code, element) = descr(datatype.data)?;
        let filters = find(kind::FILTERS).map_or(Ok(Vec::new()), |message| filters(message.data))?;
        Ok(Self { shape: shape(space.data)?, descr, code, element, layout: layout.data, filters })
    }

    /// Reads the numbers.
    pub(super) fn read(&self, file: &File<'_>) -> Result<Elements, Problem> {
        let damaged = "is damaged: an array's shape has no end";
        let count = self.shape.iter().try_fold(1_usize, |count, length| count.checked_mul(*length)).ok_or(damaged)?;
        let total = count.checked_mul(self.element).ok_or(damaged)?;
        let bytes = self.bytes(file, total)?;
        let array = decode(&self.descr, self.shape.clone(), &bytes)?;
        Ok(Elements { array, code: self.code })
    }

    /// The bytes of all elements, row by row.
    fn bytes(&self, file: &File<'_>, total: usize) -> Result<Vec<u8>, Problem> {
        let mut layout = Cursor::new(self.layout);
        let version = layout.u8()?;
        if version != 3 {
            return unsupported("is laid out in a way of `libver=\"latest\"`; write it again without it");
        }
        let kind = layout.u8()?;
        if kind < 2 && !self.filters.is_empty() {
            return unsupported("has a filter without chunks");
        }
        match kind {
            0 => {
                let size = layout.u16()?;
                let data = layout.take(size.into())?;
                file.spend(total as u64)?;
                Ok(data.get(..total).ok_or("is damaged: an array is longer than its bytes")?.to_vec())
            }
            1 => {
                let address = layout.u64()?;
                if total == 0 {
                    return Ok(Vec::new());
                }
                if address == NOWHERE {
                    return unsupported("was never written");
                }
                file.spend(total as u64)?;
                Ok(file.at(address, total as u64)?.to_vec())
            }
            2 => {
                let axes = usize::from(layout.u8()?);
                let tree = layout.u64()?;
                if axes != self.shape.len() + 1 {
                    return Err("is damaged: chunks have other axes than their array".into());
                }
                let chunk: Vec<usize> =
                    (0..axes).map(|_| layout.u32().map(|length| length as usize)).collect::<Result<_, _>>()?;
                let (chunk, size) = chunk.split_at(axes - 1);
                if size != [self.element] || chunk.contains(&0) {
                    return Err("is damaged: chunks have other elements than their array".into());
                }
                if total == 0 {
                    return Ok(Vec::new());
                }
                if tree == NOWHERE {
                    return unsupported("was never written");
                }
                let bytes = file.chunked(tree, &self.shape, chunk, self.element, &self.filters);
                bytes.map_err(Problem::Damaged)
            }
            _ => unsupported("is put together from other arrays"),
        }
    }
}

fn shape(data: &[u8]) -> Result<Vec<usize>, Problem> {
    let mut data = Cursor::new(data);
    let (version, axes) = (data.u8()?, usize::from(data.u8()?));
    match version {
        1 => data.skip(6)?,
        2 => {
            data.skip(1)?;
            if data.u8()? == 2 {
                return unsupported("holds nothing");
            }
        }
        _ => return Err("is damaged: an array's shape is unreadable".into()),
    }
    if axes > MOST_AXES {
        return unsupported(format!("has {axes} axes"));
    }
    let length = |_| usize::try_from(data.u64()?).map_err(|_| Problem::from("is damaged: an array's shape has no end"));
    (0..axes).map(length).collect()
}

/// NumPy's description of a type, its code, and the bytes of an element.
fn descr(data: &[u8]) -> Result<(String, char, usize), Problem> {
    let mut data = Cursor::new(data);
    let class = data.u8()? & 0x0f;
    let bits = data.number(3)?;
    let size = data.u32()? as usize;
    let order = if bits & 1 == 0 { '<' } else { '>' };
    match (class, size) {
        (0, 1 | 2 | 4 | 8) => {
            let code = if bits & 8 != 0 { 'i' } else { 'u' };
            let order = if size == 1 { '|' } else { order };
            Ok((format!("{order}{code}{size}"), code, size))
        }
        (1, 2 | 4 | 8) => {
            // Offset, precision, place of the exponent, its bits.
            data.skip(5)?;
            let exponent = data.u8()?;
            if (size, exponent) != (2, 5) && (size, exponent) != (4, 8) && (size, exponent) != (8, 11) {
                return unsupported("holds numbers of a type of its own");
            }
            Ok((format!("{order}f{size}"), 'f', size))
        }
        // h5py's True and False: an enumeration of two bytes' values.
        (8, 1) => Ok(("|u1".to_owned(), if bits & 0xffff == 2 { 'b' } else { 'u' }, 1)),
        (3 | 9, _) => unsupported("holds texts or lists"),
        (6, _) => unsupported("holds records"),
        _ => unsupported("holds something other than numbers"),
    }
}

fn filters(data: &[u8]) -> Result<Vec<Filter>, Problem> {
    let mut data = Cursor::new(data);
    let (version, count) = (data.u8()?, data.u8()?);
    data.skip(if version == 1 { 6 } else { 0 })?;
    let mut filters = Vec::new();
    for _ in 0..count {
        let id = data.u16()?;
        let name = if version == 1 || id >= 256 { usize::from(data.u16()?) } else { 0 };
        data.skip(2)?;
        let values = usize::from(data.u16()?);
        data.skip(if version == 1 { name.next_multiple_of(8) } else { name })?;
        data.skip(4 * values + if version == 1 && values % 2 == 1 { 4 } else { 0 })?;
        filters.push(match id {
            1 => Filter::Deflate,
            2 => Filter::Shuffle,
            3 => Filter::Checksum,
            _ => {
                return unsupported(
                    "is compressed in another way than gzip; write it again with `compression=\"gzip\"`",
                );
            }
        });
    }
    Ok(filters)
}
