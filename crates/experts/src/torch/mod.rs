//! PyTorch's saved state dicts: the zip format (since 1.6) and the legacy one, without torch and without running code.
//!
//! Only names, shapes and float tensors are understood. In a plain state dict any other class is refused, as
//! `torch.load(weights_only=True)` does; in a trainer's checkpoint, which holds an optimizer and more next to it, what is no
//! tensor is passed over. Nothing is run in either. A tensor's bytes are unpacked when it is asked for.

pub mod agent;
mod legacy;

use crate::ExpertError;
use crate::archive::Archive;
use crate::pickle::{Pickle, Value};
use std::collections::BTreeMap;

/// Largest `.pth` file or storage, in bytes.
const MAX_STORAGE: u64 = 256 << 20;

/// Element type of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ElementType {
    Float,
    Double,
    Other { name: &'static str, size: usize },
}

impl ElementType {
    fn from_storage_class(name: &str) -> Option<Self> {
        let other = |name, size| Some(Self::Other { name, size });
        match name {
            "FloatStorage" => Some(Self::Float),
            "DoubleStorage" => Some(Self::Double),
            "HalfStorage" => other("float16", 2),
            "BFloat16Storage" => other("bfloat16", 2),
            "LongStorage" => other("int64", 8),
            "IntStorage" => other("int32", 4),
            "ShortStorage" => other("int16", 2),
            "CharStorage" => other("int8", 1),
            "ByteStorage" => other("uint8", 1),
            "BoolStorage" => other("bool", 1),
            _ => None,
        }
    }

    fn size(self) -> usize {
        match self {
            Self::Float => 4,
            Self::Double => 8,
            Self::Other { size, .. } => size,
        }
    }
}

/// A tensor as the pickle describes it.
#[derive(Clone, Debug)]
struct Entry {
    shape: Vec<usize>,
    strides: Vec<usize>,
    offset: usize,
    storage: Storage,
}

#[derive(Clone, Debug)]
struct Storage {
    key: String,
    element_type: ElementType,
    /// Number of elements.
    length: usize,
}

/// Where the storages' bytes are.
enum Source {
    Zip { archive: Archive, prefix: String },
    Legacy { bytes: Vec<u8>, storages: BTreeMap<String, std::ops::Range<usize>> },
}

/// A tensor of f32, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Lengths of its axes.
    pub shape: Vec<usize>,
    /// Its elements.
    pub values: Vec<f32>,
}

/// The named tensors of a `.pth` file.
pub struct StateDict {
    file: String,
    entries: BTreeMap<String, Entry>,
    /// Names in the file's order.
    order: Vec<String>,
    source: Source,
}

/// What a pickle may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// Names and tensors, and nothing else.
    StateDict,
    /// State dicts inside of dicts, beside anything else; names are joined by dots.
    Checkpoint,
}

/// Dicts inside of each other at most.
const MAX_DEPTH: usize = 8;

impl StateDict {
    /// Reads the description of every tensor; `file` names the file in errors.
    ///
    /// # Errors
    /// [`ExpertError`] for a file that is damaged, too large or holds anything but tensors.
    pub fn read(file: &str, bytes: Vec<u8>) -> Result<Self, ExpertError> {
        Self::read_content(file, bytes, Content::StateDict)
    }

    /// The same for a trainer's checkpoint: the tensors in dicts inside of the file's dict have names such as
    /// `model_state_dict.actor.0.weight`; of a tuple, which holds several networks, the first one is read.
    ///
    /// # Errors
    /// [`ExpertError`] for a file that is damaged, too large, or holds a program or a whole Python object.
    pub fn read_nested(file: &str, bytes: Vec<u8>) -> Result<Self, ExpertError> {
        Self::read_content(file, bytes, Content::Checkpoint)
    }

    fn read_content(file: &str, bytes: Vec<u8>, content: Content) -> Result<Self, ExpertError> {
        if bytes.len() as u64 > MAX_STORAGE {
            return Err(ExpertError::TooLarge { file: file.to_owned(), bytes: bytes.len() as u64, limit: MAX_STORAGE });
        }
        if !bytes.starts_with(b"PK") {
            return legacy::read(file, bytes, content);
        }
        let mut archive = Archive::new(file.to_owned(), bytes)?;
        if archive.names().iter().any(|name| name.ends_with("constants.pkl")) {
            return Err(ExpertError::Unsupported {
                file: file.to_owned(),
                what: "a TorchScript program".to_owned(),
                supported:
                    "it is code, which is not run; save the module's state_dict() as FILE.pt, or export it as FILE.onnx"
                        .to_owned(),
            });
        }
        let pickles = archive.names().into_iter().filter(|name| name == "data.pkl" || name.ends_with("/data.pkl"));
        let member = pickles.min_by_key(String::len).ok_or_else(|| ExpertError::MissingMember {
            file: file.to_owned(),
            member: "archive/data.pkl".to_owned(),
            present: archive.names(),
        })?;
        let prefix = member.trim_end_matches("data.pkl").to_owned();
        let byte_order = format!("{prefix}byteorder");
        if archive.size(&byte_order).is_some() && archive.read(&byte_order, 16)? != b"little" {
            return Err(ExpertError::malformed(
                file,
                "was saved on a big-endian machine; save it on a little-endian one",
            ));
        }
        let pickle = archive.read(&member, crate::pickle::MAX_BYTES as u64)?;
        let entries = describe(&format!("{file}/{member}"), &pickle, content)?;
        Ok(Self::new(file, entries, Source::Zip { archive, prefix }))
    }

    fn new(file: &str, entries: Vec<(String, Entry)>, source: Source) -> Self {
        let order = entries.iter().map(|(name, _)| name.clone()).collect();
        Self { file: file.to_owned(), entries: entries.into_iter().collect(), order, source }
    }

    /// Names of the tensors in the file's order.
    pub fn names_in_order(&self) -> &[String] {
        &self.order
    }

    /// Names of the tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Lengths of the axes of a tensor, if there is one of that name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|entry| &*entry.shape)
    }

    /// Reads one tensor.
    ///
    /// # Errors
    /// [`ExpertError`] where it is missing, not of float32 or float64, or its bytes are damaged.
    pub fn tensor(&mut self, name: &str) -> Result<Tensor, ExpertError> {
        let entry = self.entries.get(name).ok_or_else(|| ExpertError::MissingMember {
            file: self.file.clone(),
            member: name.to_owned(),
            present: self.entries.keys().cloned().collect(),
        })?;
        let Entry { shape, strides, offset, storage } = entry;
        if let ElementType::Other { name: found, .. } = storage.element_type {
            let reason = format!("has the tensor `{name}` of {found}; expected float32 or float64");
            return Err(ExpertError::malformed(&self.file, reason));
        }
        let size = storage.element_type.size();
        let bytes = match &mut self.source {
            Source::Zip { archive, prefix } => {
                let member = format!("{prefix}data/{}", storage.key);
                let (expected, found) = ((storage.length * size) as u64, archive.size(&member));
                if let Some(found) = found.filter(|found| *found != expected) {
                    let reason =
                        format!("has {found} bytes in `{member}` for the tensor `{name}`; expected {expected}");
                    return Err(ExpertError::malformed(&self.file, reason));
                }
                std::borrow::Cow::Owned(archive.read(&member, MAX_STORAGE)?)
            }
            Source::Legacy { bytes, storages } => {
                let range = storages.get(&storage.key).filter(|range| range.len() == storage.length * size);
                let range = range.ok_or_else(|| {
                    ExpertError::malformed(&self.file, format!("has no complete storage for the tensor `{name}`"))
                })?;
                std::borrow::Cow::Borrowed(&bytes[range.clone()])
            }
        };
        let element = |index: usize| match storage.element_type {
            ElementType::Double => {
                f64::from_le_bytes(bytes[index * 8..index * 8 + 8].try_into().expect("8 bytes")) as f32
            }
            _ => f32::from_le_bytes(bytes[index * 4..index * 4 + 4].try_into().expect("4 bytes")),
        };
        let values = indices(shape, strides).map(|index| element(offset + index)).collect();
        Ok(Tensor { shape: shape.clone(), values })
    }
}

/// Offsets of all elements in row-major order.
fn indices(shape: &[usize], strides: &[usize]) -> impl Iterator<Item = usize> {
    let count: usize = shape.iter().product();
    (0..count).map(move |flat| {
        let (mut rest, mut index) = (flat, 0);
        for (length, stride) in shape.iter().zip(strides).rev() {
            index += rest % length * stride;
            rest /= length;
        }
        index
    })
}

/// The tensors that a `data.pkl` describes, in its order.
fn describe(file: &str, bytes: &[u8], content: Content) -> Result<Vec<(String, Entry)>, ExpertError> {
    let pickle = Pickle::read(bytes).map_err(|source| ExpertError::Pickle { file: file.to_owned(), source })?;
    entries(file, &pickle, content)
}

fn entries(file: &str, pickle: &Pickle<'_>, content: Content) -> Result<Vec<(String, Entry)>, ExpertError> {
    let unexpected =
        pickle.globals().find(|(module, name)| content == Content::StateDict && !is_expected(module, name));
    if let Some((module, name)) = unexpected {
        let reason = format!(
            "mentions `{module}.{name}`, which state dicts do not contain; it was not run. Expected only tensors"
        );
        return Err(ExpertError::malformed(file, reason));
    }
    let mut root = pickle.root();
    if content == Content::Checkpoint {
        root = root.as_sequence().and_then(|networks| networks.first().copied()).unwrap_or(root);
        if let Some((module, name)) = root.callee().filter(|class| *class != ("collections", "OrderedDict")) {
            return Err(ExpertError::Unsupported {
                file: file.to_owned(),
                what: format!("a whole Python object of the class `{module}.{name}`"),
                supported: "it is code, which is not run; save its state_dict()".to_owned(),
            });
        }
    }
    let mut entries = Vec::new();
    let mut open = vec![(String::new(), root, 0)];
    while let Some((prefix, dict, depth)) = open.pop() {
        let Some(items) = dict.entries() else {
            let reason = format!("holds {}; expected a state dict (names with tensors)", dict.describe());
            return Err(ExpertError::malformed(file, reason));
        };
        let mut below = Vec::new();
        for (key, value) in items {
            let name = match (key.as_text(), key.as_int()) {
                (Some(name), _) => format!("{prefix}{name}"),
                (None, Some(number)) if content == Content::Checkpoint => format!("{prefix}{number}"),
                _ if content == Content::Checkpoint => continue,
                _ => {
                    let reason = format!("has {} as a tensor's name; expected a text", key.describe());
                    return Err(ExpertError::malformed(file, reason));
                }
            };
            match entry(value) {
                Ok(entry) => entries.push((name, entry)),
                Err(reason) if content == Content::StateDict => {
                    return Err(ExpertError::malformed(file, format!("has a bad entry `{name}`: {reason}")));
                }
                Err(_) => {
                    let is_dict = value.entries().is_some()
                        && value.callee().is_none_or(|class| class == ("collections", "OrderedDict"));
                    if is_dict && depth < MAX_DEPTH {
                        below.push((format!("{name}."), value, depth + 1));
                    }
                }
            }
        }
        // The first one is read next.
        open.extend(below.into_iter().rev());
    }
    Ok(entries)
}

fn is_expected(module: &str, name: &str) -> bool {
    match module {
        "collections" => name == "OrderedDict",
        "torch._utils" => matches!(name, "_rebuild_tensor_v2" | "_rebuild_parameter"),
        "torch" | "torch.storage" => ElementType::from_storage_class(name).is_some() || name == "Size",
        _ => false,
    }
}

/// `_rebuild_tensor_v2(storage, offset, size, stride, …)`, perhaps inside `_rebuild_parameter(tensor, …)`.
fn entry(mut value: Value<'_>) -> Result<Entry, String> {
    if value.callee() == Some(("torch._utils", "_rebuild_parameter")) {
        value = value.arguments().and_then(|arguments| arguments.first().copied()).ok_or("it has no tensor")?;
    }
    if value.callee() != Some(("torch._utils", "_rebuild_tensor_v2")) {
        return Err(format!("it is {}; expected a tensor", value.describe()));
    }
    let arguments = value.arguments().unwrap_or_default();
    let [storage, offset, shape, strides, ..] = arguments[..] else {
        return Err("the tensor has no storage, offset, size and stride".to_owned());
    };
    let storage = self::storage(storage)?;
    let (shape, strides) = (numbers(shape)?, numbers(strides)?);
    let offset = offset.as_int().and_then(|offset| usize::try_from(offset).ok()).ok_or("the offset is not an index")?;
    if shape.len() != strides.len() {
        return Err(format!("{} sizes and {} strides", shape.len(), strides.len()));
    }
    let count = shape.iter().try_fold(1_usize, |count, length| count.checked_mul(*length));
    // Strides of zero could make a huge tensor out of a small storage.
    if count.is_none_or(|count| count > storage.length) {
        return Err(format!("size {shape:?} does not fit into its storage of {} elements", storage.length));
    }
    let last = shape
        .iter()
        .zip(&strides)
        .try_fold(offset, |last, (length, stride)| last.checked_add(length.saturating_sub(1).checked_mul(*stride)?));
    if count != Some(0) && last.is_none_or(|last| last >= storage.length) {
        return Err(format!(
            "size {shape:?} with stride {strides:?} leaves its storage of {} elements",
            storage.length
        ));
    }
    Ok(Entry { shape, strides, offset, storage })
}

/// `('storage', torch.FloatStorage, key, location, length, …)`.
fn storage(value: Value<'_>) -> Result<Storage, String> {
    let id = value.as_persistent().and_then(Value::as_sequence).unwrap_or_default();
    let [kind, class, key, _location, length, ..] = id[..] else {
        return Err(format!("its storage is {}; expected a reference to one", value.describe()));
    };
    if id.get(5).is_some_and(|view| !view.is_none()) {
        return Err("its storage is a view of another one".to_owned());
    }
    let element_type = class.as_global().and_then(|(_, name)| ElementType::from_storage_class(name));
    let element_type = element_type.ok_or_else(|| format!("its storage is of {}", class.describe()))?;
    let length = length.as_int().and_then(|length| usize::try_from(length).ok()).ok_or("its storage has no length")?;
    if length.checked_mul(element_type.size()).is_none_or(|bytes| bytes as u64 > MAX_STORAGE) {
        return Err(format!("its storage has {length} elements; at most {MAX_STORAGE} bytes are accepted"));
    }
    match (kind.as_text(), key.as_text()) {
        (Some("storage"), Some(key)) => Ok(Storage { key: key.to_owned(), element_type, length }),
        _ => Err("its storage has no key".to_owned()),
    }
}

fn numbers(value: Value<'_>) -> Result<Vec<usize>, String> {
    let items = match value.callee() {
        Some((_, "Size")) => value.arguments().and_then(|arguments| arguments.first()?.as_sequence()),
        _ => value.as_sequence(),
    };
    let items = items.ok_or_else(|| format!("{} where sizes are expected", value.describe()))?;
    let number = |item: &Value<'_>| item.as_int().and_then(|number| usize::try_from(number).ok());
    items
        .iter()
        .map(|item| number(item).ok_or_else(|| format!("{} where a size is expected", item.describe())))
        .collect()
}
