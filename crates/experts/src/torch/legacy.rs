//! The format of `torch.save` before 1.6: five pickles, then the storages' bytes.

use super::{Content, ElementType, Source, StateDict, entries};
use crate::ExpertError;
use crate::pickle::{Pickle, PickleError};
use std::collections::BTreeMap;

/// `0x1950a86a20f9469cfc6c`, little endian.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const PROTOCOL: i64 = 1001;

pub(super) fn read(file: &str, bytes: Vec<u8>, content: Content) -> Result<StateDict, ExpertError> {
    let pickle = |source: PickleError| ExpertError::Pickle { file: file.to_owned(), source };
    let not_torch = || {
        ExpertError::malformed(
            file,
            "is neither a zip archive nor a legacy torch file; expected what torch.save writes",
        )
    };
    let (magic, mut position) = Pickle::read_prefix(&bytes).map_err(|_| not_torch())?;
    if magic.root().as_long() != Some(&MAGIC) {
        return Err(not_torch());
    }
    let mut next = || -> Result<Pickle<'_>, ExpertError> {
        let (value, length) = Pickle::read_prefix(&bytes[position..]).map_err(pickle)?;
        position += length;
        Ok(value)
    };
    if next()?.root().as_int() != Some(PROTOCOL) {
        return Err(ExpertError::malformed(file, format!("has an unknown protocol; expected {PROTOCOL}")));
    }
    if next()?.root().get("little_endian").and_then(|value| value.as_bool()) != Some(true) {
        return Err(ExpertError::malformed(file, "was saved on a big-endian machine; save it on a little-endian one"));
    }
    let entries = entries(file, &next()?, content)?;
    let keys = next()?;
    let keys: Option<Vec<&str>> =
        keys.root().as_sequence().and_then(|keys| keys.into_iter().map(|key| key.as_text()).collect());
    let keys = keys.ok_or_else(|| ExpertError::malformed(file, "has no list of storages after its tensors"))?;

    let types: BTreeMap<&str, ElementType> =
        entries.iter().map(|(_, entry)| (&*entry.storage.key, entry.storage.element_type)).collect();
    let mut storages = BTreeMap::new();
    for key in keys {
        let cut_off = || ExpertError::malformed(file, format!("is cut off in the storage `{key}`"));
        let element_type = types
            .get(key)
            .ok_or_else(|| ExpertError::malformed(file, format!("has a storage `{key}` that no tensor uses")))?;
        let header = bytes.get(position..position + 8).ok_or_else(cut_off)?;
        let length = u64::from_le_bytes(header.try_into().expect("8 bytes"));
        let length = usize::try_from(length).ok().and_then(|length| length.checked_mul(element_type.size()));
        let start = position + 8;
        let end = length.and_then(|length| start.checked_add(length)).filter(|end| *end <= bytes.len());
        position = end.ok_or_else(cut_off)?;
        storages.insert(key.to_owned(), start..position);
    }
    Ok(StateDict::new(file, entries, Source::Legacy { bytes, storages }))
}
